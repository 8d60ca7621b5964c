package index

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/code/facts"
)

// UpsertOn is a target of ON CONFLICT: columns of a relation, or a constraint.
type UpsertOn struct {
	Name       catalog.Name
	Columns    []string
	Constraint string
	// Any matches every target that needs an index.
	Any bool
	// Partial is set if the index has a condition, so ON CONFLICT needs one, too.
	Partial bool
	// Fields maps the fields of each class of the table to columns.
	Fields map[string]map[string]string
}

// match says whether an upsert in the code has the target in question.
type match int

const (
	differs match = iota
	// perhaps: the code spells out neither what differs nor what is the same.
	perhaps
	// atRunTime is perhaps for a query whose target the program builds.
	atRunTime
	same
)

// FindUpserts returns the places with ON CONFLICT on this target: those that spell it out, and those that may mean it. Within possible,
// targets that the program builds at run time follow other queries. The calls of mappers are last in both.
func (b *Bound) FindUpserts(target UpsertOn) (spelled, possible []Use) {
	target.Columns = sortLower(target.Columns)
	var built []Use
	writesSQL := false // the program spells out the SQL of upserts
	b.eachFile(func(f *File) {
		for i := range f.Facts.Queries {
			q := &f.Facts.Queries[i]
			for k := range q.Upserts {
				u := &q.Upserts[k]
				writesSQL = writesSQL || u.Relation >= 0
				use := Use{f.Path, u.Line, facts.Inserts, facts.Parsed, rankWrite}
				switch b.matchQuery(q, u, &target) {
				case same:
					spelled = append(spelled, use)
				case perhaps:
					possible = append(possible, use)
				case atRunTime:
					built = append(built, use)
				}
			}
		}
	})
	sure, maybe := b.findMapperUpserts(&target, writesSQL)
	return b.rankUses(append(spelled, sure...)), slices.Concat(possible, built, maybe)
}

// matchQuery compares ON CONFLICT in a query with the target.
func (b *Bound) matchQuery(q *facts.Query, u *facts.Upsert, target *UpsertOn) match {
	onTable := u.Relation >= 0 && b.meansRelation(q.Relations[u.Relation].Schema, q.Relations[u.Relation].Name, target.Name)
	switch {
	case target.Partial && !u.Where && u.Constraint == "": // it does not use an index with a condition
		return differs
	case u.Relation >= 0 && !onTable:
		return differs
	case u.Open:
		return atRunTime
	case !target.matchesTarget(&u.Target):
		return differs
	case onTable:
		return same
	}
	return perhaps
}

// findMapperUpserts returns the calls of mappers that send ON CONFLICT on this target, surely or perhaps: one of the second kind for each file.
func (b *Bound) findMapperUpserts(target *UpsertOn, writesSQL bool) (sure, maybe []Use) {
	words := map[uint32]bool{}
	for _, w := range facts.TableWords(target.Name.Name) {
		words[facts.HashText(w)] = true
	}
	usesTable := b.FilesUsing(target.Name)
	b.eachFile(func(f *File) {
		listed := false
		for i := range f.Facts.Upserts {
			u := &f.Facts.Upserts[i]
			use := Use{f.Path, u.Line, facts.Inserts, facts.Parsed, rankCall}
			switch b.matchCall(u, target, writesSQL) {
			case same:
				sure = append(sure, use)
			case perhaps:
				if !listed && (usesTable[f.Path] || slices.ContainsFunc(u.Words, func(w uint32) bool { return words[w] })) {
					maybe, listed = append(maybe, use), true
				}
			}
		}
	})
	return sure, maybe
}

// matchCall compares the call of a mapper with the target. Functions called Upsert are the program's own if it writes the SQL of upserts.
func (b *Bound) matchCall(u *facts.MapperUpsert, target *UpsertOn, writesSQL bool) match {
	switch {
	case u.Fields:
		if columns := target.Fields[u.Model]; columns != nil && !target.Partial && target.matchesTarget(withFields(u, columns)) {
			return same
		}
		return differs
	case u.Table != "" && !u.Open && !target.Partial:
		if b.meansRelation("", u.Table, target.Name) && target.matchesTarget(&u.Target) {
			return same
		}
		return differs
	case u.Table != "" && !strings.EqualFold(u.Table, target.Name.Name):
		return differs
	case u.Own && writesSQL:
		return differs
	case !u.Open && !target.matchesTarget(&u.Target):
		return differs
	case u.Model != "" && !hasModelOf(u, target.Name.Name):
		return differs
	}
	return perhaps
}

// matchesTarget reports whether a target is the wanted one.
func (target *UpsertOn) matchesTarget(t *facts.Target) bool {
	if target.Any {
		return t.Constraint != "" || len(t.Columns) > 0
	}
	if t.Constraint != "" {
		return strings.EqualFold(t.Constraint, target.Constraint)
	}
	return len(t.Columns) > 0 && slices.Equal(sortLower(t.Columns), target.Columns)
}

// sortLower returns names in lower case, in order.
func sortLower(names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = strings.ToLower(n)
	}
	slices.Sort(out)
	return out
}

// withFields returns the target with columns instead of fields.
func withFields(u *facts.MapperUpsert, columns map[string]string) *facts.Target {
	t := &facts.Target{}
	for _, f := range u.Columns {
		t.Columns = append(t.Columns, columns[f])
	}
	return t
}

// keepers are suffixes of variables that hold a model, after its name: userRepo.
var keepers = []string{"", "s", "repo", "repository", "model", "table", "store", "service", "dao", "entity", "mapper"}

// hasModelOf reports whether a call's receiver is the model of a table, or a variable that
// holds it.
func hasModelOf(u *facts.MapperUpsert, table string) bool {
	return slices.ContainsFunc(facts.TableWords(table), func(w string) bool {
		rest, ok := strings.CutPrefix(strings.ToLower(u.Model), strings.ToLower(w))
		return ok && (rest == "" || u.Keeper && slices.Contains(keepers, rest))
	})
}

// eachFile calls f for the files of the code, without the excluded ones.
func (b *Bound) eachFile(f func(*File)) {
	for i := range b.files {
		if b.files[i].Facts != nil && !b.isSkipped(int32(i)) {
			f(&b.files[i])
		}
	}
}
