package facts

import (
	"slices"
	"strings"
	"unicode"
)

// TableWords returns the spellings of a table's name, and of its singular, which a mapper
// may use as the class's name.
func TableWords(name string) []string {
	return append(Spellings(name), Spellings(Singular(name))...)
}

// Spellings returns the forms in which code writes a name: full_name, fullName, FullName,
// FULL_NAME.
func Spellings(name string) []string {
	parts := strings.FieldsFunc(name, func(r rune) bool { return r == '_' || r == '-' || r == ' ' })
	if len(parts) == 0 {
		return nil
	}
	var camel, pascal strings.Builder
	for i, p := range parts {
		title := strings.ToUpper(p[:1]) + p[1:]
		pascal.WriteString(title)
		if i == 0 {
			title = strings.ToLower(p[:1]) + p[1:]
		}
		camel.WriteString(title)
	}
	var out []string
	for _, c := range []string{name, camel.String(), pascal.String(), goSpelling(parts), strings.ToUpper(name)} {
		if c != "" && !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	return out
}

// goSpelling returns the name in Go's style: UserID, APIURL.
func goSpelling(parts []string) string {
	var b strings.Builder
	for _, p := range parts {
		switch l := strings.ToLower(p); l {
		case "id", "url", "uri", "api", "ip", "http", "https", "json", "sql", "uuid", "html", "xml", "ttl", "ssl", "tls", "ui", "uid":
			b.WriteString(strings.ToUpper(l))
		default:
			r := []rune(p)
			r[0] = unicode.ToUpper(r[0])
			b.WriteString(string(r))
		}
	}
	return b.String()
}

// Singular removes a plural's ending, as mappers do.
func Singular(name string) string {
	switch {
	case strings.HasSuffix(name, "ies"):
		return name[:len(name)-3] + "y"
	case strings.HasSuffix(name, "sses"), strings.HasSuffix(name, "xes"), strings.HasSuffix(name, "ches"):
		return name[:len(name)-2]
	case strings.HasSuffix(name, "s") && !strings.HasSuffix(name, "ss"):
		return name[:len(name)-1]
	}
	return name
}

// NormalizeName returns a name in one common spelling.
func NormalizeName(name string) string { return strings.ToLower(strings.ReplaceAll(name, "_", "")) }
