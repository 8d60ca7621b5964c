package knex

import (
	"strings"

	"github.com/onward-sql/onward/internal/adapter/jscode"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

var (
	// listPlace matches the place of a value or, with two question marks, of names. namedPlace matches the place
	// of an object's property: ":name".
	listPlace  = lazyregexp.New(`\\\?|\?\??`)
	namedPlace = lazyregexp.New(`\\?:(\w+)`)
)

// hasBindings reports whether a call of raw has values for its text.
func hasBindings(l jscode.Link) bool {
	return len(l.Arguments) > 1 && !l.Arguments[1].IsWord("undefined")
}

// bindText returns the text of a call of raw with its values. Those of a list are bound by their order, as in raw('?? = ?', ['a', 1]), and
// those of an object by their names, as in raw(':a: = :b', { a: 'a', b: 1 }). Any other value is a list of one.
func (q *queryBuilder) bindText(l jscode.Link) string {
	text, values := q.textAt(l, 0), l.Arguments[1]
	switch values.Kind {
	case jscode.Unknown, jscode.Callback:
		q.unread = true
		return ""
	case jscode.Object:
		return q.bindByName(text, values)
	case jscode.List:
		return q.bindByOrder(text, values.Items)
	}
	return q.bindByOrder(text, []jscode.Value{values})
}

func (q *queryBuilder) bindByOrder(text string, values []jscode.Value) string {
	count := 0
	sql := listPlace.ReplaceAllStringFunc(text, func(place string) string {
		if place == `\?` {
			return "?"
		}
		count++
		if q.failUnless(count <= len(values)); q.unread {
			return ""
		}
		if place == "??" {
			return q.wrapIdentifiers(values[count-1])
		}
		return q.bindValue(values[count-1])
	})
	q.failUnless(count == len(values)) // Knex refuses others
	return sql
}

// bindByName writes values in place of ":name", and names in place of ":name:". Two colons after a name are a cast.
func (q *queryBuilder) bindByName(text string, values jscode.Value) string {
	q.failUnless(!hasPlaceholder(text))
	var sql strings.Builder
	end := 0
	for _, m := range namedPlace.FindAllStringSubmatchIndex(text, -1) {
		if m[0] < end {
			continue // the colon ends the place before
		}
		sql.WriteString(text[end:m[0]])
		end = m[1]
		rest, isIdentifier := strings.CutPrefix(text[end:], ":")
		if isIdentifier = isIdentifier && (!strings.HasPrefix(rest, ":") || strings.HasPrefix(rest, "::")); isIdentifier {
			end++
		}
		value, isSet := values.Field(text[m[2]:m[3]])
		switch {
		case text[m[0]] == '\\':
			sql.WriteString(text[m[0]+1 : end])
		case !isSet || value.IsWord("undefined"):
			sql.WriteString(text[m[0]:end])
			q.failUnless(!isSet) // Knex refuses it
		case isIdentifier:
			sql.WriteString(q.wrapIdentifiers(value))
		default:
			sql.WriteString(q.bindValue(value))
		}
	}
	return strings.ReplaceAll(sql.String()+text[end:], `\?`, "?")
}

// wrapIdentifiers writes a name, or a list of names.
func (q *queryBuilder) wrapIdentifiers(v jscode.Value) string {
	if v.Kind == jscode.List {
		names, ok := jscode.ReadTexts(v)
		q.failUnless(ok && len(names) > 0)
		return q.wrapNames(names)
	}
	q.failUnless(v.Kind == jscode.Text)
	return q.wrapName(v.Text)
}
