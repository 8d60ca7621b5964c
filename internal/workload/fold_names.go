package workload

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
)

// The kinds of folds.
const (
	FoldSchema   = "schema"
	FoldDatabase = "database"
)

// Fold is a family of schemas or databases that a recording counts as one, such as those that a suite makes for each test.
type Fold struct {
	Kind string `json:"kind"`
	// Pattern has a * for each part that differs: "test_*".
	Pattern string `json:"pattern"`
	// Into is the name that replaces theirs.
	Into string `json:"into"`
	// Names are the folded names, sorted.
	Names []string `json:"names"`
}

// FoldNames replaces names of schemas and databases in a recording, and puts queries and sequences that are equal then
// together. group is the name of a database among senders. A query whose text cannot be parsed stays as it is.
func FoldNames(w *Workload, folds []Fold, group func(string) string) (*Workload, error) {
	f := &folder{schemas: map[string]string{}, databases: map[string]string{}, groups: map[string]string{}}
	for _, fold := range folds {
		for _, name := range fold.Names {
			if fold.Kind == FoldDatabase {
				f.databases[name], f.groups[group(name)] = fold.Into, fold.Into
			} else {
				f.schemas[name] = fold.Into
			}
		}
	}
	next := *w
	next.Queries, next.Sequences = nil, nil
	ids := map[string]string{}
	for i := range w.Queries {
		q := f.foldQuery(w.Queries[i])
		ids[w.Queries[i].ID] = q.ID
		next.Queries = append(next.Queries, q)
	}
	for _, s := range w.Sequences {
		s.Steps, s.Senders = slices.Clone(s.Steps), f.foldSenders(s.Senders)
		for i := range s.Steps {
			s.Steps[i].Query = ids[s.Steps[i].Query]
		}
		next.Sequences = append(next.Sequences, s)
	}
	next.Folds = slices.Concat(w.Folds, folds)
	return MergeAll(&next)
}

// folder replaces names.
type folder struct {
	// schemas and databases have the new names; groups has the databases' names among senders.
	schemas, databases, groups map[string]string
}

// foldQuery is a query with its names replaced.
func (f *folder) foldQuery(q Query) Query {
	q.Senders = f.foldSenders(q.Senders)
	sql, ok := f.foldText(&q)
	if !ok {
		return q
	}
	path := f.foldPath(q.SearchPath)
	q.Names = slices.Clone(q.Names)
	for i := range q.Names {
		n := &q.Names[i]
		n.Type, n.Values = f.foldQualified(n.Type, true), f.foldTexts(n.Values, true)
		slices.Sort(n.Values)
		n.Values = slices.Compact(n.Values)
	}
	if sql == q.SQL && path == q.SearchPath {
		return q
	}
	q.Folded = q.IsCode()
	q.SQL, q.SearchPath = sql, path
	q.ID = Fingerprint(q.SQL, q.SearchPath, q.Role)
	q.Params = f.foldTexts(q.Params, true)
	q.Functions, q.Types = f.foldTexts(q.Functions, false), f.foldTexts(q.Types, false)
	q.Columns = slices.Clone(q.Columns)
	for i := range q.Columns {
		c := &q.Columns[i]
		c.Type, c.Of = f.foldQualified(c.Type, true), f.foldQualified(c.Of, false)
	}
	q.Uses = slices.Clone(q.Uses)
	for i := range q.Uses {
		q.Uses[i].Relation = f.foldQualified(q.Uses[i].Relation, false)
	}
	slices.SortFunc(q.Uses, func(a, b Use) int { return strings.Compare(a.Relation, b.Relation) })
	if q.Unread != "" {
		for from, to := range f.schemas {
			q.Unread = strings.ReplaceAll(q.Unread, from, to)
		}
	}
	return q
}

// foldTexts are qualified names, replaced.
func (f *folder) foldTexts(list []string, quoted bool) []string {
	out := slices.Clone(list)
	for i := range out {
		out[i] = f.foldQualified(out[i], quoted)
	}
	return out
}

// foldQualified replaces the schema that a name begins with. quoted: the name is written as in SQL.
func (f *folder) foldQualified(name string, quoted bool) string {
	if !quoted {
		schema, rest, found := strings.Cut(name, ".")
		if to := f.schemas[schema]; found && to != "" {
			return to + "." + rest
		}
		return name
	}
	l := pgparse.NextLexeme(name, 0)
	if l.Kind != pgparse.LexemeWord && l.Kind != pgparse.LexemeQuoted || !strings.HasPrefix(name[l.End:], ".") {
		return name
	}
	if to := f.schemas[lexemeName(name[l.Start:l.End])]; to != "" {
		return pgparse.QuoteIdent(to) + name[l.End:]
	}
	return name
}

// lexemeName is the name that a word or a quoted name means.
func lexemeName(text string) string {
	if strings.HasPrefix(text, `"`) && strings.HasSuffix(text, `"`) && len(text) > 1 {
		return strings.ReplaceAll(text[1:len(text)-1], `""`, `"`)
	}
	return strings.ToLower(text)
}

// foldPath replaces the schemas of a search path. "" is the server's default.
func (f *folder) foldPath(path string) string {
	if path == "" {
		return ""
	}
	changed := false
	var out []string
	for _, part := range strings.Split(path, ",") {
		part = strings.TrimSpace(part)
		if to := f.schemas[lexemeName(part)]; to != "" {
			part, changed = pgparse.QuoteIdent(to), true
		}
		if !slices.Contains(out, part) {
			out = append(out, part)
		}
	}
	switch {
	case !changed:
		return path
	case len(out) == 1 && out[0] == "public":
		return "" // the default finds the same
	}
	return strings.Join(out, ", ")
}

// foldSenders replaces the names of databases among senders.
func (f *folder) foldSenders(list []Sender) []Sender {
	out := slices.Clone(list)
	for i := range out {
		if to := f.groups[out[i].Database]; to != "" {
			out[i].Database = to
		}
	}
	return mergeSenders(nil, out)
}

// foldText replaces names in a query's text. In a query of the code only a name that qualifies another is replaced, at
// the places where the parser has one: an alias may be called like a schema.
func (f *folder) foldText(q *Query) (sql string, ok bool) {
	if !f.mayContainName(q.SQL) {
		return q.SQL, true
	}
	qualifiedOffsets := map[int]bool{}
	if q.IsCode() {
		file, err := pgparse.SplitBy(q.SQL, pgparse.Reader{Message: true})
		if err != nil || len(file.Stmts) != 1 || file.Stmts[0].Node == nil {
			return q.SQL, false
		}
		qualifiedOffsets = qualifierOffsets(file.Stmts[0].Node, file.Stmts[0].Start)
	}
	var b strings.Builder
	done := 0
	for i := 0; ; {
		l := pgparse.NextLexeme(q.SQL, i)
		if l.Kind == pgparse.LexemeEnd {
			break
		}
		i = l.End
		if l.Kind != pgparse.LexemeWord && l.Kind != pgparse.LexemeQuoted || q.IsCode() && !qualifiedOffsets[l.Start] {
			continue
		}
		name := lexemeName(q.SQL[l.Start:l.End])
		to := f.schemas[name]
		if to == "" && !q.IsCode() {
			to = f.databases[name]
		}
		if to == "" {
			continue
		}
		b.WriteString(q.SQL[done:l.Start])
		b.WriteString(pgparse.QuoteIdent(to))
		done = l.End
	}
	b.WriteString(q.SQL[done:])
	return b.String(), true
}

// mayContainName is quick: it reports whether a text has one of the names.
func (f *folder) mayContainName(sql string) bool {
	for i := 0; ; {
		l := pgparse.NextLexeme(sql, i)
		if l.Kind == pgparse.LexemeEnd {
			return false
		}
		i = l.End
		if l.Kind == pgparse.LexemeWord || l.Kind == pgparse.LexemeQuoted {
			name := lexemeName(sql[l.Start:l.End])
			if f.schemas[name] != "" || f.databases[name] != "" {
				return true
			}
		}
	}
}

// qualifierOffsets are the places in a text at which a qualified name begins with a schema.
func qualifierOffsets(node *pgparse.Node, start int) map[int]bool {
	offsets := map[int]bool{}
	note := func(location int32, qualified bool) {
		if qualified {
			offsets[start+int(location)] = true
		}
	}
	pgparse.Walk(node, func(msg any) bool {
		switch n := msg.(type) {
		case *pgparse.RangeVar:
			note(n.GetLocation(), n.GetSchemaname() != "")
		case *pgparse.FuncCall:
			note(n.GetLocation(), len(n.GetFuncname()) > 1)
		case *pgparse.TypeName:
			note(n.GetLocation(), len(n.GetNames()) > 1)
		case *pgparse.ColumnRef:
			note(n.GetLocation(), len(n.GetFields()) > 2)
		}
		return true
	})
	return offsets
}

// MergeFolds puts the folds of two recordings together, sorted.
func MergeFolds(a, b []Fold) []Fold {
	type key struct{ kind, pattern, into string }
	all := map[key][]string{}
	for _, f := range slices.Concat(a, b) {
		k := key{f.Kind, f.Pattern, f.Into}
		all[k] = append(all[k], f.Names...)
	}
	var out []Fold
	for k, names := range all {
		slices.Sort(names)
		out = append(out, Fold{Kind: k.kind, Pattern: k.pattern, Into: k.into, Names: slices.Compact(names)})
	}
	slices.SortFunc(out, func(a, b Fold) int {
		return strings.Compare(a.Kind+"\x00"+a.Pattern+"\x00"+a.Into, b.Kind+"\x00"+b.Pattern+"\x00"+b.Into)
	})
	return out
}

// FoldedFrom are the schemas that were folded into others, with the new names.
func (w *Workload) FoldedFrom() map[string]string {
	out := map[string]string{}
	for _, f := range w.Folds {
		if f.Kind == FoldSchema {
			for _, name := range f.Names {
				out[name] = f.Into
			}
		}
	}
	return out
}

// MatchPattern reports whether a name has the form of a pattern, in which each * is any text that is not empty.
func MatchPattern(pattern, name string) bool {
	prefix, rest, found := strings.Cut(pattern, "*")
	if !found {
		return pattern == name
	}
	tail, ok := strings.CutPrefix(name, prefix)
	if !ok {
		return false
	}
	for i := 1; i <= len(tail); i++ {
		if MatchPattern(rest, tail[i:]) {
			return true
		}
	}
	return false
}

// QualifyingSchemas are the schemas that qualify names in a text.
func QualifyingSchemas(sql string) []string {
	if !strings.Contains(sql, ".") {
		return nil
	}
	file, err := pgparse.SplitBy(sql, pgparse.Reader{Message: true})
	if err != nil || len(file.Stmts) != 1 || file.Stmts[0].Node == nil {
		return nil
	}
	var out []string
	for offset := range qualifierOffsets(file.Stmts[0].Node, file.Stmts[0].Start) {
		l := pgparse.NextLexeme(sql, offset)
		if name := lexemeName(sql[l.Start:l.End]); !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// PathSchemas are the schemas of a search path but "$user".
func PathSchemas(path string) []string {
	var out []string
	for _, part := range strings.Split(path, ",") {
		if name := lexemeName(strings.TrimSpace(part)); name != "" && name != "$user" {
			out = append(out, name)
		}
	}
	return out
}
