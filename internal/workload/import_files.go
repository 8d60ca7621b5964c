package workload

import (
	"strconv"
	"strings"

	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/pgparse"
)

// ReadQueries reads a file of queries. Their number of calls is 0, because it is unknown. Their places are file and
// line.
func (im *Import) ReadQueries(file, text string) error {
	f, err := pgparse.SplitText(text)
	if err != nil {
		return err
	}
	lines := pgparse.NewLines(text)
	for i := range f.Stmts {
		st := &f.Stmts[i]
		line, _ := lines.Position(st.Start)
		im.AddAt(file, line, f.Src[st.Start:st.End])
	}
	return nil
}

// AddAt adds a statement found in a file, with 0 calls.
func (im *Import) AddAt(file string, line int, sql string) {
	im.Add(Seen{SQL: sql, Sender: Sender{Place: formatPlace(file, line)}})
}

var queryName = lazyregexp.New(`(?m)^[ \t]*(?:--|/\*|#)\s*name:\s*(\S+)\s+(:\w+)`)

// ReadNamedQueries reads a file of queries for sqlc: "-- name: GetUser :one" before each query, and @arg,
// sqlc.arg('x'), sqlc.narg, sqlc.slice and sqlc.embed inside. Their places are file, line and name.
func (im *Import) ReadNamedQueries(file, text string) error {
	heads := queryName.FindAllStringSubmatchIndex(text, -1)
	lines := pgparse.NewLines(text)
	for i, h := range heads {
		end := len(text)
		if i+1 < len(heads) {
			end = heads[i+1][0]
		}
		line, _ := lines.Position(h[0])
		sql := NumberArguments(text[h[1]:end])
		parts, err := SplitMessage(sql)
		if err != nil {
			return err
		}
		for _, part := range parts {
			im.Add(Seen{SQL: part, Sender: Sender{Place: formatPlace(file, line) + " " + text[h[2]:h[3]]}})
		}
	}
	if len(heads) == 0 {
		return im.ReadQueries(file, text)
	}
	return nil
}

// NumberArguments replaces the named arguments of a query for sqlc (@x, sqlc.arg('x')) with $1, $2 …. Arguments of one name
// become one parameter.
func NumberArguments(sql string) string {
	var b strings.Builder
	t := &text{}
	t.splitTokens(sql)
	done, numbers, top := 0, map[string]int{}, 0
	for i := range t.toks {
		if t.toks[i].kind == pgparse.LexemeParam {
			n, _ := strconv.Atoi(t.tokenText(i)[1:])
			top = max(top, n)
		}
	}
	for i := 0; i < len(t.toks); i++ {
		name, next, kind := t.readArgument(i)
		if next == 0 {
			continue
		}
		b.WriteString(sql[done:t.toks[i].start])
		switch {
		case kind == "embed":
			b.WriteString(name + ".*")
		default:
			if numbers[name] == 0 {
				top++
				numbers[name] = top
			}
			b.WriteString("$" + strconv.Itoa(numbers[name]))
		}
		done = int(t.toks[next-1].end)
		i = next - 1
	}
	b.WriteString(sql[done:])
	return b.String()
}

// readArgument returns the name and kind of the argument that begins at a token, and the token after it; 0 if none begins
// there.
func (t *text) readArgument(i int) (name string, next int, kind string) {
	if t.isByte(i, '@') && i+1 < len(t.toks) && t.toks[i+1].kind == pgparse.LexemeWord && !t.toks[i+1].space &&
		(i == 0 || t.toks[i-1].kind != pgparse.LexemeOther || t.toks[i].space || t.isByte(i-1, '(') || t.isByte(i-1, ',') || t.isByte(i-1, '=')) {
		return t.tokenText(i + 1), i + 2, "arg"
	}
	if !t.isKeyword(i, "SQLC") || !t.isByte(i+1, '.') || !t.isKeyword(i+2, "ARG", "NARG", "SLICE", "EMBED") || !t.isByte(i+3, '(') || !t.isByte(i+5, ')') {
		return "", 0, ""
	}
	return strings.Trim(t.tokenText(i+4), `'"`), i + 6, strings.ToLower(t.tokenText(i + 2))
}
