// Package address knows what of a database's address may be shown: everything but
// its passwords. Whatever prints an address, or an error of something that was
// given one, asks here.
package address

import (
	"cmp"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// Mask stands where a password was.
const Mask = "xxxxx"

// Error says that the address of a database is none. Its text does not quote the
// address, which may hold a password.
type Error struct{}

// Error says what an address looks like.
func (*Error) Error() string {
	return "the database's address cannot be read: write postgres://USER@HOST/DATABASE, or keywords and values as for psql; " +
		"in the former, @ : / ? # % of a password are %40 %3A %2F %3F %23 %25"
}

var (
	// inURL is a URL as far as it may go: people forget to escape a password, so
	// that it can have every character but white space.
	inURL = regexp.MustCompile(`([A-Za-z][A-Za-z0-9+.-]*://)(\S*)@`)
	// keyword is a password with its name before it: in the query of a URL, in a list
	// of keywords and values, in the environment, in Python's or JSON's notation.
	keyword = regexp.MustCompile(`(?i)([a-z0-9_-]*(?:password|passwd)["']?\s*[=:]\s*)` +
		`('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|['"].*|[^\s&'"][^\s&]*)`)
)

// Hide is text without the passwords of the addresses in it, and without what is
// known to be one; a known one of a letter or two stands in ordinary words too, and
// is hidden in addresses only.
func Hide(text string, secrets ...string) string {
	for _, s := range secrets {
		if len(s) >= shortest {
			text = strings.ReplaceAll(text, s, Mask)
		}
	}
	if strings.Contains(text, "://") && strings.Contains(text, "@") {
		text = inURL.ReplaceAllStringFunc(text, func(found string) string {
			scheme, rest, _ := strings.Cut(found, "://")
			scheme, rest = scheme+"://", strings.TrimSuffix(rest, "@")
			tail := "@"
			if web(scheme) {
				// A path may have an @, and a port stands where a password would.
				authority, path, _ := cutAny(rest+"@", "/?#")
				at := strings.LastIndexByte(authority, '@')
				if at < 0 {
					return found
				}
				rest, tail = authority[:at], authority[at:]+path
			}
			user, _, ok := strings.Cut(rest, ":")
			if !ok {
				return found
			}
			return scheme + user + ":" + Mask + tail
		})
	}
	return keyword.ReplaceAllString(text, "${1}"+Mask)
}

func web(scheme string) bool {
	return strings.EqualFold(scheme, "http://") || strings.EqualFold(scheme, "https://")
}

// cutAny is strings.Cut at the first of several characters, which stays with the rest.
func cutAny(s, chars string) (before, after string, found bool) {
	if i := strings.IndexAny(s, chars); i >= 0 {
		return s[:i], s[i:], true
	}
	return s, "", false
}

// shortest is how long a part of a password is that is hidden wherever it stands.
// What is shorter is a part of ordinary words.
const shortest = 3

// Secrets are the passwords of an address, and the parts that a driver may take for
// something else where they were not escaped: the longest first.
func Secrets(address string) []string {
	var out []string
	add := func(s string) {
		if len(s) >= shortest && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	if _, rest, ok := strings.Cut(address, "://"); ok {
		if at := strings.LastIndexByte(rest, '@'); at >= 0 {
			if _, password, ok := strings.Cut(rest[:at], ":"); ok {
				add(password)
				if plain, err := url.PathUnescape(password); err == nil {
					add(plain)
				}
				for _, part := range strings.FieldsFunc(password, func(r rune) bool { return strings.ContainsRune("@/?#", r) }) {
					add(part)
				}
			}
		}
	}
	for _, m := range keyword.FindAllStringSubmatch(address, -1) {
		value := strings.Trim(m[2], `'"`)
		add(value)
		add(strings.NewReplacer(`\\`, `\`, `\'`, `'`).Replace(value))
		if plain, err := url.QueryUnescape(value); err == nil {
			add(plain)
		}
	}
	slices.SortStableFunc(out, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	return out
}

// Without is an error whose text has none of the passwords of an address.
func Without(err error, address string, secrets ...string) error {
	return &hidden{err, append(Secrets(address), secrets...)}
}

type hidden struct {
	error
	secrets []string
}

func (e *hidden) Error() string { return Hide(e.error.Error(), e.secrets...) }
func (e *hidden) Unwrap() error { return e.error }
