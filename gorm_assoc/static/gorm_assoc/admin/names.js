'use strict';
{
    // Select2 leaves what takes the focus without a name: it gets that of the select which it stands for.
    const nameOf = select => {
        const label = select.labels.length ? select.labels[0].textContent.trim().replace(/:$/, '') : '';
        return select.getAttribute('aria-label') || label;
    };

    const nameAll = root => {
        for (const select of root.querySelectorAll('select.admin-autocomplete')) {
            const shown = select.nextElementSibling;
            if (!shown || !shown.classList.contains('select2')) {
                continue;
            }
            for (const element of shown.querySelectorAll('[role=combobox], .select2-search__field')) {
                element.setAttribute('aria-label', nameOf(select));
                const chosen = element.getAttribute('aria-labelledby');
                if (chosen && !chosen.includes(' ')) {
                    // Its own label, then what is chosen.
                    element.id = element.id || `${chosen}-name`;
                    element.setAttribute('aria-labelledby', `${element.id} ${chosen}`);
                }
            }
        }
    };

    document.addEventListener('formset:added', event => setTimeout(() => nameAll(event.target)));
    django.jQuery(() => nameAll(document));
}
