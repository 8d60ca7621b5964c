// Package address knows which parts of a database's address may be printed:
// everything but its passwords. All code that prints an address, or an error about
// one, uses it.
package address

import (
	"cmp"
	"net/url"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/lazyregexp"
)

// Mask replaces a password.
const Mask = "xxxxx"

// Error says that a database's address is invalid. Its text does not quote the
// address, which may contain a password.
type Error struct{}

// Error describes the form of an address.
func (*Error) Error() string {
	return "the database's address cannot be read: write postgres://USER@HOST/DATABASE, or keywords and values as for psql; " +
		"in the former, @ : / ? # % of a password are %40 %3A %2F %3F %23 %25"
}

var (
	// inURL matches a URL greedily: people forget to escape passwords, so these can
	// contain any character except white space.
	inURL = lazyregexp.New(`([A-Za-z][A-Za-z0-9+.-]*://)(\S*)@`)
	// spacedURL matches a URL of Postgres whose password has white space, which does not belong in it. A port is no password.
	spacedURL = lazyregexp.New(`((?:postgres|postgresql)://[^\s:@/]*:)([^\n@]*[ \t][^\n@]*)@`)
	port      = lazyregexp.New(`^\d*(?:[/?,;)\]'" \t]|$)`)
	// withoutScheme matches user:password@host.
	withoutScheme = lazyregexp.New(`(^|[\s"'=(/])([A-Za-z_][\w.-]*):([^\s@/:"'][^\s@/"']*)@([\w.\[])`)
	// keyword matches a password with its name before it: in the query of a URL, in a
	// list of keywords and values, in the environment, in Python's or JSON's
	// notation.
	keyword = lazyregexp.New(`(?i)([a-z0-9_-]*(?:password|passwd)["']?\s*[=:]\s*)` +
		`('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|['"].*|[^\s&'"][^\s&]*)`)
)

// HidePasswords returns text without the passwords of the addresses in it, and without the
// given secrets. A secret of one or two letters also occurs in ordinary words, so it
// is hidden in addresses only.
func HidePasswords(text string, secrets ...string) string {
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
			if strings.EqualFold(scheme, "http://") || strings.EqualFold(scheme, "https://") {
				// A path may contain an @, and a port is in the same position as a
				// password.
				authority, path, _ := cutAny(rest+"@", "/?#")
				atSign := strings.LastIndexByte(authority, '@')
				if atSign < 0 {
					return found
				}
				rest, tail = authority[:atSign], authority[atSign:]+path
			}
			user, _, ok := strings.Cut(rest, ":")
			if !ok {
				return found
			}
			return scheme + user + ":" + Mask + tail
		})
	}
	if strings.Contains(text, "@") {
		text = spacedURL.ReplaceAllStringFunc(text, func(found string) string {
			m := spacedURL.FindStringSubmatch(found)
			if port.MatchString(m[2]) {
				return found
			}
			return m[1] + Mask + "@"
		})
		text = withoutScheme.ReplaceAllString(text, "${1}${2}:"+Mask+"@${4}")
	}
	return keyword.ReplaceAllString(text, "${1}"+Mask)
}

// cutAny is strings.Cut at the first of several characters, which stays in the rest.
func cutAny(s, chars string) (before, after string, found bool) {
	if i := strings.IndexAny(s, chars); i >= 0 {
		return s[:i], s[i:], true
	}
	return s, "", false
}

// shortest is the length from which a part of a password is hidden everywhere.
// Shorter parts occur in ordinary words.
const shortest = 3

// ListSecrets returns the passwords of an address, and the parts that a driver may
// mistake for something else if they are not escaped, longest first.
func ListSecrets(address string) []string {
	var out []string
	add := func(s string) {
		if len(s) >= shortest && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	if _, rest, ok := strings.Cut(address, "://"); ok {
		if atSign := strings.LastIndexByte(rest, '@'); atSign >= 0 {
			if _, password, ok := strings.Cut(rest[:atSign], ":"); ok {
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

// RedactError returns an error whose text has none of the passwords of an address.
func RedactError(err error, address string, secrets ...string) error {
	return &hidden{err, append(ListSecrets(address), secrets...)}
}

type hidden struct {
	error
	secrets []string
}

func (e *hidden) Error() string { return HidePasswords(e.error.Error(), e.secrets...) }
func (e *hidden) Unwrap() error { return e.error }

const (
	// harmlessKey matches the parameters of an address that have no secret; a misspelt one is unknown, and may have one.
	harmlessKey = `(?:host|hostaddr|port|dbname|user|sslmode|sslrootcert|application_name|connect_timeout|target_session_attrs)`
	hostAndPort = `(?:[\w.-]+|\[[0-9a-fA-F:.]+\])?(?::\d+)?`
)

var (
	// printable matches the addresses that consist of known parts without a secret: a URL, keywords and values, or a name.
	printable = lazyregexp.New(`^(?:(?i:postgres(?:ql)?)://(?:[\w.-]+@)?` + hostAndPort + `(?:,` + hostAndPort + `)*(?:/[\w.-]*)?` +
		`(?:\?` + harmlessKey + `=[\w./,:%+-]*(?:&` + harmlessKey + `=[\w./,:%+-]*)*)?` +
		`|(?:` + harmlessKey + `=[\w./,:+-]*(?:\s+|$))+|[\w./-]*)$`)
	// readable matches URLs whose password is where HidePasswords looks for it.
	readable = lazyregexp.New(`^(?i:postgres(?:ql)?)://[^:@/?#\s]+:[^@/?#\s]+@[\w.,:\[\]-]+(?:/[\w.-]*)?(?:\?[\w=&./,:%+-]*)?$`)
	// addressLike matches what somebody may have meant as an address.
	addressLike = lazyregexp.New(`(?i)postgres(?:ql)?:/|\b(?:host|server|data source|pwd|pass\w*|user(?:name| id)?)\s*=|^[\w.-]*:[^/\s]+@`)
	// pieceEnd matches what separates the parts of an address.
	pieceEnd = lazyregexp.New(`[:/@?&=;,\s'"]+`)
	// knownPiece matches parts that are no secret anywhere.
	knownPiece = lazyregexp.New(`(?i)^(?:postgres(?:ql)?|localhost|[\d.]+|` + harmlessKey + `|server|username|user id|password|passwd|pwd|database)$`)
)

// IsPrintable reports whether an address may be printed as it was typed: it has no password, no key and no unknown part.
func IsPrintable(address string) bool { return printable.MatchString(address) }

// ListTypedSecrets returns what must not be printed of the arguments of a command. Of an argument that may be meant as an address, and that
// cannot be read as one, these are all parts whose meaning is not known.
func ListTypedSecrets(args []string) (out []string) {
	isOwn := true // arguments of onward itself, and not of the command after --
	for _, arg := range args {
		isOwn = isOwn && arg != "--"
		if strings.HasPrefix(arg, "--") {
			_, arg, _ = strings.Cut(arg, "=")
		}
		if IsPrintable(arg) || !addressLike.MatchString(arg) {
			continue
		}
		out = append(out, ListSecrets(arg)...)
		if !isOwn || readable.MatchString(arg) {
			continue
		}
		for _, piece := range pieceEnd.Split(arg, -1) {
			if len(piece) >= shortest && !knownPiece.MatchString(piece) {
				out = append(out, piece)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b string) int { return len(b) - len(a) })
	return slices.Compact(out)
}

// WithSetting returns an address whose sessions begin with a setting, such as search_path.
func WithSetting(address, name, value string) string {
	if u, err := url.Parse(address); err == nil && u.Scheme != "" {
		q := u.Query()
		q.Set(name, value)
		u.RawQuery = strings.ReplaceAll(q.Encode(), "+", "%20") // the driver reads a + as it is
		return u.String()
	}
	return address + " " + name + "='" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(value) + "'"
}
