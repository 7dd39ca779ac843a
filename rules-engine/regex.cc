/* regex.cc - see regex.h. The only C++ file, because RE2 has no C interface. Nothing throws across it: RE2
 * reports through return values, and memory running out ends the process as everywhere else. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic" /* compound literals in the C headers */
#include "rules-engine/regex.h"
#include "core/limits.h"
#pragma GCC diagnostic pop

#include <re2/re2.h>

#include <new>
#include <string>

struct regex {
    RE2 program;
    explicit regex(const re2::StringPiece &pattern, const RE2::Options &options) : program(pattern, options)
    {
    }
};

static re2::StringPiece piece(struct str s)
{
    return re2::StringPiece(s.p ? s.p : "", s.n);
}

namespace
{

/* Google's emulator 1.19.9 counts parentheses without looking at classes and \Q...\E, so that [(] is refused.
 */
enum nesting { BALANCED, UNBALANCED, TOO_NESTED };
nesting count_groups(struct str pattern)
{
    int depth = 0;
    for (size_t i = 0; i < pattern.n && depth >= 0; i++) {
        if (pattern.p[i] == '\\')
            i++;
        else
            depth += (pattern.p[i] == '(') - (pattern.p[i] == ')');
        if (depth > LIMIT_RULES_REGEX_NESTING)
            return TOO_NESTED;
    }
    return depth == 0 ? BALANCED : UNBALANCED;
}

/* A pattern of RE2/J, which Google's emulator uses, as one of RE2. */
struct adapter {
    struct str pattern;
    std::string out;
    size_t names = 0;
    explicit adapter(struct str p) : pattern(p) {}

    bool at(size_t i, const char *text) const { return str_starts(str_skip(pattern, i), str_of(text)); }
    void copy(size_t *i, size_t n)
    {
        n = n < pattern.n - *i ? n : pattern.n - *i;
        out.append(pattern.p + *i, n);
        *i += n;
    }
    /* Up to and with `end`, or all. */
    void copy_until(size_t *i, const char *end)
    {
        while (*i < pattern.n && !at(*i, end))
            copy(i, 1);
        copy(i, strlen(end));
    }

    /* A backslash takes every character beyond ASCII literally. */
    bool escape(size_t *i)
    {
        if (at(*i, "\\C"))
            return false;
        if (at(*i, "\\Q"))
            copy_until(i, "\\E");
        else if (*i + 1 < pattern.n && static_cast<unsigned char>(pattern.p[*i + 1]) >= 0x80)
            ++*i;
        else
            copy(i, 2);
        return true;
    }
    void character_class(size_t *i)
    {
        copy(i, at(*i, "[^") ? 2 : 1);
        for (bool first = true; *i < pattern.n && (first || pattern.p[*i] != ']'); first = false) {
            if (at(*i, "[:"))
                copy_until(i, ":]");
            else if (pattern.p[*i] != '\\' || !escape(i))
                copy(i, 1);
        }
        copy(i, 1);
    }

    bool is_name(size_t i) const
    {
        return at(i, "(?P<") || (at(i, "(?<") && !at(i, "(?<=") && !at(i, "(?<!"));
    }
    void name(size_t *i)
    {
        *i += at(*i, "(?P<") ? 4 : 3;
        out.append("(?P<");
        names++;
    }

    /* False when RE2/J refuses the pattern where RE2 does not. */
    bool run()
    {
        for (size_t i = 0; i < pattern.n;) {
            if (at(i, "{*") || at(i, "{+") || at(i, "{?"))
                return false;
            if (at(i, "\\")) {
                if (!escape(&i))
                    return false;
            } else if (at(i, "[")) {
                character_class(&i);
            } else if (is_name(i)) {
                name(&i);
            } else {
                copy(&i, 1);
            }
        }
        return true;
    }
};

} // namespace

const char *regex_refusal(struct str pattern)
{
    static_assert(LIMIT_RULES_REGEX_NESTING == 20, "the text says so");
    return count_groups(pattern) == TOO_NESTED
               ? "Regular expression too many nested groupings. Maximum allowed nested groupings: 20"
               : "Invalid regular expression pattern.";
}

struct regex *regex_compile(struct str pattern)
{
    RE2::Options options;
    options.set_log_errors(false);
    options.set_max_mem(REGEX_MEMORY);
    adapter adapted(pattern);
    if (count_groups(pattern) != BALANCED || !adapted.run())
        return nullptr;
    regex *made = new (std::nothrow) regex(adapted.out, options);
    bool names_differ = made && made->program.NamedCapturingGroups().size() < adapted.names;
    if (made && (!made->program.ok() || names_differ)) {
        delete made;
        made = nullptr;
    }
    return made;
}

void regex_free(struct regex *regex)
{
    delete regex;
}

bool regex_matches(const struct regex *regex, struct str text)
{
    return regex->program.Match(piece(text), 0, text.n, RE2::ANCHOR_BOTH, nullptr, 0);
}

namespace
{

/* Bytes of the character at `at`; positions only ever stand between characters. */
size_t step(struct str text, size_t at)
{
    unsigned char c = static_cast<unsigned char>(text.p[at]);
    size_t n = c < 0xC0 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
    return n < text.n - at ? n : text.n - at;
}

/* Matches one after the other as Java's Matcher.find gives them: an empty match may touch the end of the
 * match before it, and the search goes on one character behind an empty match. */
struct finder {
    const RE2 &program;
    struct str text;
    size_t from = 0;
    bool done = false;
    finder(const RE2 &p, struct str t) : program(p), text(t) {}

    bool next(re2::StringPiece *groups, int n)
    {
        if (done || from > text.n)
            return false;
        if (!program.Match(piece(text), from, text.n, RE2::UNANCHORED, groups, n))
            return false;
        size_t begin = start(groups[0]), end = begin + groups[0].size();
        if (end > begin)
            from = end;
        else if (end == text.n)
            done = true;
        else
            from = end + step(text, end);
        return true;
    }
    size_t start(const re2::StringPiece &match) const
    {
        return text.n ? static_cast<size_t>(match.data() - text.p) : 0;
    }
};

/* One reference behind a '$' at with[*at]: a group's number in *group, or -1 for a literal '$'. */
bool read_group(const RE2 &program, struct str with, size_t *at, int *group)
{
    int groups = program.NumberOfCapturingGroups();
    *group = -1;
    if (*at < with.n && with.p[*at] == '{') {
        const char *close = static_cast<const char *>(memchr(with.p + *at, '}', with.n - *at));
        if (!close)
            return false;
        std::string name(with.p + *at + 1, close);
        auto found = program.NamedCapturingGroups().find(name);
        if (found == program.NamedCapturingGroups().end())
            return false;
        *group = found->second;
        *at = static_cast<size_t>(close - with.p) + 1;
        return true;
    }
    if (*at >= with.n || with.p[*at] < '0' || with.p[*at] > '9')
        return true;
    int number = with.p[(*at)++] - '0';
    if (number > groups)
        return false;
    while (*at < with.n && with.p[*at] >= '0' && with.p[*at] <= '9' &&
           number * 10 + (with.p[*at] - '0') <= groups)
        number = number * 10 + (with.p[(*at)++] - '0');
    *group = number;
    return true;
}

bool expand(std::string *out, const RE2 &program, struct str with, const re2::StringPiece *groups, size_t max)
{
    for (size_t i = 0; i < with.n && out->size() <= max;) {
        char c = with.p[i++];
        if (c == '\\' && i < with.n) {
            out->push_back(with.p[i++]);
            continue;
        }
        int group = -1;
        if (c == '$' && !read_group(program, with, &i, &group))
            return false;
        if (group >= 0)
            out->append(groups[group].data() ? groups[group].data() : "", groups[group].size());
        else
            out->push_back(c);
    }
    return true;
}

} // namespace

bool regex_replace(struct str *out, const struct regex *regex, struct str text, struct str with, size_t max,
                   struct arena *arena)
{
    const RE2 &program = regex->program;
    int n = program.NumberOfCapturingGroups() + 1;
    re2::StringPiece *groups = new re2::StringPiece[static_cast<size_t>(n)];
    std::string result;
    finder find(program, text);
    size_t copied = 0;
    bool ok = true;
    while (ok && result.size() <= max && find.next(groups, n)) {
        size_t begin = find.start(groups[0]);
        result.append(text.p + copied, begin - copied);
        ok = expand(&result, program, with, groups, max);
        copied = begin + groups[0].size();
    }
    delete[] groups;
    if (text.n)
        result.append(text.p + copied, text.n - copied);
    if (!ok || result.size() > max)
        return false;
    *out = arena_str(arena, str_from(result.data(), result.size()));
    return true;
}

struct str *regex_split(const struct regex *regex, struct str text, size_t *n, struct arena *arena)
{
    size_t cap = 8, count = 0, copied = 0;
    struct str *pieces = static_cast<struct str *>(arena_alloc(arena, cap * sizeof *pieces));
    finder find(regex->program, text);
    re2::StringPiece match;
    bool more = true;
    while (more) {
        more = find.next(&match, 1);
        size_t end = more ? find.start(match) : text.n;
        if (count == cap) {
            pieces = static_cast<struct str *>(
                arena_grow(arena, pieces, cap * sizeof *pieces, cap * 2 * sizeof *pieces));
            cap *= 2;
        }
        pieces[count++] = str_from(text.p + copied, end - copied);
        copied = more ? end + match.size() : end;
    }
    while (count > 1 && pieces[count - 1].n == 0)
        count--;
    *n = count;
    return pieces;
}
