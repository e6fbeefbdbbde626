"""The world of GORM's guides: its models, admin and demo."""
