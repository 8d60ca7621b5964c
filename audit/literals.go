package audit

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
)

// beginsQuery is what begins a query.
var beginsQuery = regexp.MustCompile(`(?i)^\W*(?:with|select|insert|update|delete|merge|copy|lock|truncate|explain)\b`)

// span is a string of the code.
type span struct {
	start int
	text  string
}

// literals gives the strings of a program, those that stand beside each other as
// one; of a file of SQL its statements.
func literals(ext, text string) []span {
	if ext == ".sql" {
		var out []span
		at := 0
		for part := range strings.SplitAfterSeq(text, ";") {
			out = append(out, span{at, part})
			at += len(part)
		}
		return out
	}
	script := ext == ".py" || ext == ".rb" || ext == ".sh"
	single := script || slices.Contains([]string{".js", ".ts", ".mjs", ".cjs", ".mts", ".tsx", ".jsx", ".php", ".vue", ".ex", ".exs"}, ext)
	var out []span
	for i := 0; i < len(text); {
		switch rest := text[i:]; {
		case script && rest[0] == '#', !script && strings.HasPrefix(rest, "//"):
			i += cmp.Or(strings.IndexByte(rest+"\n", '\n'), 1)
		case !script && strings.HasPrefix(rest, "/*"):
			i += 2 + end(rest[2:], "*/")
		case ext == ".rs" && (i == 0 || !letter(text[i-1])) && rawString.MatchString(rest):
			open := rawString.FindString(rest) // r#" … "#
			n := end(rest[len(open):], `"`+strings.Repeat("#", strings.Count(open, "#")))
			out = append(out, span{i + len(open), strings.TrimRight(rest[len(open):len(open)+n], `"#`)})
			i += len(open) + n
		case ext == ".rs" && rest[0] == '"':
			n := quoted(rest, true)
			out = append(out, span{i + 1, strings.TrimSuffix(rest[1:n], rest[:1])})
			i += n
		case strings.HasPrefix(rest, `"""`), single && strings.HasPrefix(rest, "'''"):
			n := end(rest[3:], rest[:3])
			out = append(out, span{i + 3, strings.TrimSuffix(rest[3:3+n], rest[:3])})
			i += 3 + n
		case rest[0] == '"', rest[0] == '`', single && rest[0] == '\'':
			n := quoted(rest, rest[0] == '`')
			out = append(out, span{i + 1, strings.TrimSuffix(rest[1:n], rest[:1])})
			i += n
		case !single && rest[0] == '\'' && len(rest) > 3 && (rest[1] == '\\' || rest[2] == '\''):
			i += 3 // a character
		default:
			i++
		}
	}
	return joinSpans(text, out)
}

// rawString begins a string of Rust's in which nothing is escaped.
var rawString = regexp.MustCompile(`^b?r#*"`)

// end is the offset behind a mark.
func end(text, mark string) int {
	if n := strings.Index(text, mark); n >= 0 {
		return n + len(mark)
	}
	return len(text)
}

// quoted is the length of a string with its quotes; one that may not go over lines
// ends with its line.
func quoted(text string, over bool) int {
	for i := 1; i < len(text); i++ {
		switch {
		case text[i] == '\\' && text[0] != '`':
			i++
		case text[i] == text[0]:
			return i + 1
		case text[i] == '\n' && !over:
			return i
		}
	}
	return len(text)
}

// Between two strings that make one.
var glue = regexp.MustCompile(`^["'` + "`" + `]{1,3}[\s+\\.]*[fFrRbBuU]{0,2}["'` + "`" + `]{1,3}$`)

func joinSpans(text string, spans []span) []span {
	var out []span
	for _, s := range spans {
		if len(out) > 0 {
			last := &out[len(out)-1]
			to := last.start + len(last.text)
			if gap := text[to:s.start]; len(gap) < 200 && glue.MatchString(gap) {
				last.text += strings.Repeat(" ", len(gap)) + s.text
				continue
			}
		}
		out = append(out, s)
	}
	return out
}
