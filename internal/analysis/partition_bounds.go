package analysis

import (
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/pgparse"
)

// bound matches the bounds at the end of a statement.
var bound = lazyregexp.New(`(?is)\b(?:ATTACH\s+PARTITION|PARTITION\s+OF)\b.*?\b(FOR\s+VALUES\s.*|DEFAULT)\s*;?\s*$`)

// PartitionBounds returns the bounds that a statement gives a partition, as written. For CREATE TABLE b PARTITION OF a FOR VALUES IN ('x')
// it is "FOR VALUES IN ('x')". It is "FOR VALUES …" if other clauses follow them, or if it has none.
func PartitionBounds(sql string) string {
	m := bound.FindStringSubmatch(sql)
	if m == nil || more.MatchString(m[1]) {
		return "FOR VALUES …"
	}
	return strings.Join(strings.Fields(m[1]), " ")
}

// more matches the clauses that may follow bounds.
var more = lazyregexp.New(`(?i)\bPARTITION\s+BY\b|\)\s*(WITH\b[^(]*\(\w+\s*=|USING\b|TABLESPACE\b)`)

var (
	ranges = lazyregexp.New(`(?i)^FOR VALUES FROM \( ?([^(),]+?) ?\) TO \( ?([^(),]+?) ?\)$`)
	lists  = lazyregexp.New(`(?i)^FOR VALUES IN ?(\([^()]+\))$`)
	null   = lazyregexp.New(`(?i)\bnull\b`)
	open   = lazyregexp.New(`(?i)^(minvalue|maxvalue)$`)
)

// PartitionCondition returns the condition that the rows of a partition meet, from the bounds in a statement; "" if the bounds are not
// constants of one column.
func PartitionCondition(sql string, parent *catalog.Relation) string {
	if len(parent.PartitionKey) != 1 {
		return ""
	}
	c := parent.Attr(parent.PartitionKey[0].Column)
	if c == nil {
		return ""
	}
	name, text := pgparse.QuoteIdent(c.Name), PartitionBounds(sql)
	if m := lists.FindStringSubmatch(text); m != nil && !null.MatchString(m[1]) {
		return name + " IN " + m[1]
	}
	m := ranges.FindStringSubmatch(text)
	if m == nil {
		return ""
	}
	var out []string
	if !open.MatchString(m[1]) {
		out = append(out, name+" >= "+m[1])
	}
	if !open.MatchString(m[2]) {
		out = append(out, name+" < "+m[2])
	}
	return strings.Join(out, " AND ")
}
