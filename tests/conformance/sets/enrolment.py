from __future__ import annotations

from django.db import models

from gorm_assoc.models import BelongsTo, JoinTable, Many2Many
from tests.conformance.sets.base import GoModel, text, unique


class Student(GoModel):
    id = models.BigAutoField(primary_key=True)
    name = text()
    courses = Many2Many("Course", "many2many:enrolments;", through="Enrolment")


class Course(GoModel):
    id = models.BigAutoField(primary_key=True)
    title = text()
    students = Many2Many("Student", "many2many:enrolments;", through="Enrolment")


class Enrolment(JoinTable):
    id = models.BigAutoField(primary_key=True)
    student = BelongsTo("Student")
    course = BelongsTo("Course")
    grade = text()

    class Meta:
        constraints = [unique("enrolments", "student_id", "course_id", name="idx_student_course")]
