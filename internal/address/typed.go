package address

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/lazyregexp"
)

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
