/* duration.c - see duration.h. */
#include "server/duration.h"

static const struct unit {
    const char *name;
    int64_t us;
} units[] = {
    { "us", 1 },
    { "ms", 1000 },
    { "s", INT64_C(1000000) },
    { "m", INT64_C(60000000) },
    { "h", INT64_C(3600000000) },
    { "d", INT64_C(86400000000) },
};

static bool is_digit(struct str text)
{
    return text.n && text.p[0] >= '0' && text.p[0] <= '9';
}

/* Takes digits off *text as *value / *scale. */
static bool take_number(int64_t *value, int64_t *scale, struct str *text)
{
    enum { DIGITS = 9 };
    int n = 0;
    bool point = false;
    *value = 0;
    *scale = 1;
    for (; is_digit(*text) || (text->n && text->p[0] == '.' && n && !point); *text = str_skip(*text, 1)) {
        if (text->p[0] == '.') {
            point = true;
            continue;
        }
        if (++n > DIGITS)
            return false;
        *value = *value * 10 + (text->p[0] - '0');
        *scale *= point ? 10 : 1;
    }
    return n > 0;
}

static const struct unit *take_unit(struct str *text)
{
    size_t n = 0;
    while (n < text->n && text->p[n] >= 'a' && text->p[n] <= 'z')
        n++;
    struct str name = str_from(text->p, n);
    *text = str_skip(*text, n);
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (str_eq_z(name, units[i].name))
            return &units[i];
    return NULL;
}

bool duration_parse(int64_t *us, struct str text)
{
    static const int64_t most = INT64_C(1000) * 366 * 86400 * 1000000;
    *us = 0;
    if (!text.n)
        return false;
    while (text.n) {
        int64_t value, scale;
        const struct unit *unit = take_number(&value, &scale, &text) ? take_unit(&text) : NULL;
        if (!unit || (value && unit->us > most / value))
            return false;
        *us += value * unit->us / scale;
        if (*us > most)
            return false;
    }
    return true;
}
