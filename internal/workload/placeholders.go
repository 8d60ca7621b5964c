package workload

import (
	"strconv"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
)

// numberPlaceholders replaces the placeholders of drivers and tracers (?, %s, %(name)s, :name, @name) with $1, $2 ….
// The same characters are operators of Postgres, so the text stays as it is if the result cannot be parsed.
func numberPlaceholders(sql string) string {
	if !strings.ContainsAny(sql, "?%:@") {
		return sql
	}
	n := placeholders{sql: sql, numbers: map[string]int{}}
	for offset := 0; ; {
		x := pgparse.NextLexeme(sql, offset)
		switch x.Kind {
		case pgparse.LexemeEnd:
			if n.top == 0 {
				return sql
			}
			n.out.WriteString(sql[n.done:])
			if out := n.out.String(); isParseable(out) {
				return out
			}
			return sql
		case pgparse.LexemeParam:
			return sql // it has Postgres' own
		case pgparse.LexemeOther:
			offset = n.replacePlaceholder(x.Start)
		default:
			offset = x.End
		}
	}
}

// isParseable reports whether the parser can read a text.
func isParseable(sql string) bool {
	f, err := pgparse.SplitBy(sql, pgparse.Reader{Message: true})
	if err != nil || len(f.Stmts) == 0 {
		return false
	}
	for i := range f.Stmts {
		if f.Stmts[i].Node == nil {
			return false
		}
	}
	return true
}

// placeholders is a text whose placeholders are being replaced.
type placeholders struct {
	sql     string
	out     strings.Builder
	done    int // how much of sql is in out
	numbers map[string]int
	top     int
}

// replacePlaceholder replaces the placeholder at an offset, if one is there, and returns the offset after it.
func (n *placeholders) replacePlaceholder(offset int) int {
	rest := n.sql[offset+1:]
	before := byte(' ')
	if offset > 0 {
		before = n.sql[offset-1]
	}
	switch n.sql[offset] {
	case '?':
		switch {
		case strings.IndexByte("@?#-<>", before) >= 0 || rest != "" && strings.IndexByte("|&?", rest[0]) >= 0:
			return offset + 1 // a part of a longer operator
		case rest != "" && rest[0] >= '0' && rest[0] <= '9': // ?1
			return n.putParameter(offset, pgparse.NextLexeme(n.sql, offset+1).End, n.sql[offset:pgparse.NextLexeme(n.sql, offset+1).End])
		}
		return n.putParameter(offset, offset+1, "")
	case '%':
		if strings.HasPrefix(rest, "s") && (len(rest) == 1 || !isWordByte(rest[1])) {
			return n.putParameter(offset, offset+2, "")
		}
		if name, after, ok := strings.Cut(rest, ")s"); ok && strings.HasPrefix(name, "(") && pgparse.NameEnd(name, 1) == len(name) {
			return n.putParameter(offset, len(n.sql)-len(after), name)
		}
	case ':', '@':
		name := pgparse.NextLexeme(n.sql, offset+1)
		if name.Kind == pgparse.LexemeWord && name.Start == offset+1 && !isWordByte(before) && strings.IndexByte(":@<>~!|&#?", before) < 0 {
			return n.putParameter(offset, name.End, n.sql[name.Start:name.End])
		}
		if strings.HasPrefix(rest, ":") {
			return offset + 2 // a cast
		}
	}
	return offset + 1
}

// putParameter replaces a piece of the text by a parameter. Pieces with one name are one parameter.
func (n *placeholders) putParameter(from, to int, name string) int {
	number := n.numbers[name]
	if name == "" || number == 0 {
		n.top++
		number = n.top
		n.numbers[name] = number
	}
	n.out.WriteString(n.sql[n.done:from])
	n.out.WriteByte('$')
	n.out.WriteString(strconv.Itoa(number))
	n.done = to
	return to
}
