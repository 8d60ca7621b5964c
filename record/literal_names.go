package record

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/workload"
)

// resolveNames asks the server which string literals of a query name an object, or are a label of an enum. No other
// literal is kept.
func (r *resolver) resolveNames(ctx context.Context, q *workload.Query, n *pgparse.Node) ([]workload.Name, error) {
	var out []workload.Name
	text := workload.NameParams(n)
	table := ""
	for i, l := range r.strings {
		if i >= len(q.Params) || len(l.Values) == 0 && !l.Unread {
			continue
		}
		name := workload.Name{Param: i + 1, Type: text[i+1], Partial: l.Unread}
		labels, err := r.readEnumLabels(ctx, q.Params[i])
		if err != nil {
			return nil, err
		}
		switch {
		case labels != nil || name.Type == "" && workload.IsNameType(q.Params[i]):
			name.Type = q.Params[i]
		case name.Type == "":
			continue // a value
		}
		for _, value := range l.Values {
			var list []string
			switch {
			case labels != nil:
				list = labels.labelsInLiteral(value)
			default:
				isName, err := r.namesObject(ctx, name.Type, value, table)
				if err != nil {
					return nil, err
				}
				if isName {
					list = []string{value}
				}
			}
			name.Partial = name.Partial || list == nil
			name.Values = append(name.Values, list...)
		}
		if table = ""; name.Type == workload.TableName && len(name.Values) == 1 {
			table = name.Values[0]
		}
		slices.Sort(name.Values)
		name.Values = slices.Compact(name.Values)
		out = append(out, name)
	}
	return out, nil
}

// enumLabels are the labels of the enum that a type is, or is an array of.
type enumLabels struct {
	array bool
	list  []string
}

// labelsInLiteral are the labels that a literal has; nil if it has anything else.
func (e *enumLabels) labelsInLiteral(value string) []string {
	list := []string{value}
	if e.array {
		inner, opened := strings.CutPrefix(value, "{")
		inner, closed := strings.CutSuffix(inner, "}")
		if !opened || !closed {
			return nil
		}
		if list = []string{}; strings.TrimSpace(inner) != "" {
			list = strings.Split(inner, ",")
		}
		for i := range list {
			list[i] = strings.Trim(strings.TrimSpace(list[i]), `"`)
		}
	}
	for _, label := range list {
		if !slices.Contains(e.list, label) {
			return nil
		}
	}
	return list
}

// readEnumLabels reads the labels of an enum, of a domain over one, or of an array of one; nil for other types.
func (r *resolver) readEnumLabels(ctx context.Context, typ string) (*enumLabels, error) {
	e := &enumLabels{}
	err := r.conn.QueryRow(ctx, labelsSQL, unpreparedMode, typ).Scan(&e.array, &e.list)
	if err != nil || len(e.list) == 0 {
		return nil, err
	}
	return e, nil
}

const labelsSQL = `WITH RECURSIVE made AS (
  SELECT t.oid, t.typtype, t.typbasetype, t.typelem, false AS array FROM pg_catalog.pg_type t WHERE t.oid OPERATOR(pg_catalog.=) pg_catalog.to_regtype($1)
  UNION ALL SELECT t.oid, t.typtype, t.typbasetype, t.typelem, m.array OR m.typelem OPERATOR(pg_catalog.<>) 0::pg_catalog.oid FROM made m JOIN pg_catalog.pg_type t
    ON t.oid OPERATOR(pg_catalog.=) CASE WHEN m.typbasetype OPERATOR(pg_catalog.<>) 0::pg_catalog.oid THEN m.typbasetype ELSE m.typelem END AND t.oid OPERATOR(pg_catalog.<>) 0::pg_catalog.oid)
SELECT COALESCE(pg_catalog.bool_or(m.array), false), COALESCE(pg_catalog.array_agg(e.enumlabel::pg_catalog.text), '{}')
FROM made m JOIN pg_catalog.pg_enum e ON e.enumtypid OPERATOR(pg_catalog.=) m.oid`

// namesObject reports whether a text names an object of the database.
func (r *resolver) namesObject(ctx context.Context, kind, value, table string) (bool, error) {
	if strings.Trim(value, "0123456789- ") == "" {
		return false, nil // a number means an OID, whether there is such an object or not
	}
	sql, args := "SELECT $1::pg_catalog.text::pg_catalog."+kind+" IS NOT NULL", []any{unpreparedMode, value}
	switch kind {
	case workload.TableName:
		sql = "SELECT pg_catalog.to_regclass($1) IS NOT NULL"
	case workload.ColumnName:
		sql, args = "SELECT EXISTS (SELECT FROM pg_catalog.pg_attribute WHERE attrelid OPERATOR(pg_catalog.=) pg_catalog.to_regclass($2) AND attname "+
			"OPERATOR(pg_catalog.=) $1::pg_catalog.name AND attnum OPERATOR(pg_catalog.>) 0 AND NOT attisdropped)", append(args, table)
	}
	if _, err := r.conn.Exec(ctx, "SAVEPOINT onward_name", unpreparedMode); err != nil {
		return false, err
	}
	var exists bool
	err := r.conn.QueryRow(ctx, sql, args...).Scan(&exists)
	if errors.As(err, new(*pgconn.PgError)) {
		exists, err = false, nil
	}
	if err == nil {
		_, err = r.conn.Exec(ctx, "ROLLBACK TO onward_name", unpreparedMode)
	}
	return exists, err
}

// family are names that differ in a counter, a hash or a UUID only: test_1 and test_2 have the pattern test_*.
type family struct {
	pattern string
	names   []string
}

// manyHashes is from how many on a name without a digit may be a hash, too.
const manyHashes = 10

// findFamilies puts names of one shape and one pattern together, if there are enough. A name of the pattern with all tables of
// the only family, and more, belongs to it: its test made a table. The families are sorted.
func findFamilies(shapes map[string]string) []family {
	type key struct{ pattern, shape string }
	groups := map[key][]string{}
	var plain []string
	for _, name := range slices.Sorted(maps.Keys(shapes)) {
		if pattern := namePattern(name); pattern != name {
			groups[key{pattern, shapes[name]}] = append(groups[key{pattern, shapes[name]}], name)
		} else {
			plain = append(plain, name)
		}
	}
	families := map[string]int{} // by pattern
	for k, names := range groups {
		if len(names) >= leastFolded {
			families[k.pattern]++
		}
	}
	var out []family
	for k, names := range groups {
		if len(names) < leastFolded {
			continue
		}
		// Of many hashes some have no digit by chance.
		for _, name := range plain {
			if len(names) >= manyHashes && shapes[name] == k.shape && matchesFamily(name, k.pattern, names) {
				names = append(names, name)
			}
		}
		for other, more := range groups {
			if other.pattern == k.pattern && len(more) < leastFolded && families[k.pattern] == 1 && hasAllTables(other.shape, k.shape) {
				names = append(names, more...)
			}
		}
		slices.Sort(names)
		out = append(out, family{k.pattern, names})
	}
	slices.SortFunc(out, func(a, b family) int { return strings.Compare(a.pattern+a.names[0], b.pattern+b.names[0]) })
	return out
}

// hasAllTables reports whether a shape has the tables of another.
func hasAllTables(shape, other string) bool {
	tables := map[string]bool{}
	for table := range strings.SplitSeq(shape, ",") {
		tables[table] = true
	}
	for table := range strings.SplitSeq(other, ",") {
		if !tables[table] {
			return false
		}
	}
	return true
}

// matchesFamily reports whether a name has the length and the fixed parts of a family's names, and eight or more characters in
// the other part.
func matchesFamily(name, pattern string, names []string) bool {
	prefix, suffix, _ := strings.Cut(pattern, "*")
	if strings.Contains(suffix, "*") || !strings.HasPrefix(name, prefix) || !strings.HasSuffix(name, suffix) || len(name) < len(prefix)+len(suffix)+8 {
		return false
	}
	return !slices.ContainsFunc(names, func(s string) bool { return len(s) != len(name) })
}

var (
	// uuidPart has hyphens, underscores or nothing between its parts.
	uuidPart = lazyregexp.New(`(?i)[0-9a-f]{8}[-_]?[0-9a-f]{4}[-_]?[0-9a-f]{4}[-_]?[0-9a-f]{4}[-_]?[0-9a-f]{12}`)
	hexPart  = lazyregexp.New(`[0-9a-f]{8,}`)
	words    = lazyregexp.New(`[0-9A-Za-z]+`)
	digits   = lazyregexp.New(`[0-9]+`)
	counted  = lazyregexp.New(`^[A-Za-z]+[0-9]+$`)
	stars    = lazyregexp.New(`\*+`)
)

// namePattern is a name with a * for each part that is a counter, a hash or a UUID.
func namePattern(name string) string {
	name = uuidPart.ReplaceAllString(name, "*")
	parts := strings.Split(name, "*")
	for i, part := range parts {
		parts[i] = words.ReplaceAllStringFunc(part, wordPattern)
	}
	return stars.ReplaceAllString(strings.Join(parts, "*"), "*")
}

// wordPattern does so for one word between hyphens and underscores.
func wordPattern(word string) string {
	if span := hexPart.FindStringIndex(word); span != nil && span[1] == len(word) && (digits.MatchString(word[span[0]:]) || span[1]-span[0] >= 16) {
		return word[:span[0]] + "*"
	}
	switch {
	case counted.MatchString(word):
		return digits.ReplaceAllString(word, "*")
	case len(word) >= 6 && digits.MatchString(word): // letters and digits in turns
		return "*"
	}
	return digits.ReplaceAllString(word, "*")
}

// patternStem is a pattern without the parts that differ, and without what joined them.
func patternStem(pattern string) string {
	var parts []string
	for _, part := range strings.Split(pattern, "*") {
		if part = strings.Trim(part, "_-"); part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, "_")
}
