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

// Upsert returns the places with ON CONFLICT on this target. may are places that do not
// spell out the table or the target, and may mean it.
func (b *Bound) Upsert(on UpsertOn) (sure, may []Use) {
	on.Columns = sortLower(on.Columns)
	var open []Use
	spelled := false
	b.eachFile(func(f *File) {
		for i := range f.Facts.Queries {
			q := &f.Facts.Queries[i]
			for k := range q.Upserts {
				u := &q.Upserts[k]
				spelled = spelled || u.Relation >= 0
				e := Use{f.Path, u.Line, facts.Inserts, facts.Parsed, rankWrite}
				switch own := u.Relation >= 0 && b.meansRelation(q.Relations[u.Relation].Schema, q.Relations[u.Relation].Name, on.Name); {
				case on.Partial && !u.Where && u.Constraint == "":
				case !own && u.Relation >= 0 || !u.Open && !on.matchesTarget(&u.Target):
				case u.Open:
					open = append(open, e)
				case own:
					sure = append(sure, e)
				default:
					may = append(may, e)
				}
			}
		}
	})
	may = append(may, open...)
	calls, of := b.mapperUpserts(&on, spelled)
	return b.rankUses(append(sure, of...)), append(may, calls...)
}

// mapperUpserts returns the calls of mappers that produce ON CONFLICT on this target,
// surely or perhaps. spelled is set if the program spells out its SQL: functions called
// Upsert are then its own.
func (b *Bound) mapperUpserts(on *UpsertOn, spelled bool) (may, sure []Use) {
	words := map[uint32]bool{}
	for _, w := range facts.TableWords(on.Name.Name) {
		words[facts.HashText(w)] = true
	}
	works := b.FilesUsing(on.Name)
	b.eachFile(func(f *File) {
		told := false // once per file
		for i := range f.Facts.Upserts {
			u := &f.Facts.Upserts[i]
			e := Use{f.Path, u.Line, facts.Inserts, facts.Parsed, rankCall}
			switch {
			case u.Fields:
				if of := on.Fields[u.Model]; of != nil && !on.Partial && on.matchesTarget(withFields(u, of)) {
					sure = append(sure, e)
				}
			case u.Table != "" && !u.Open && !on.Partial:
				if b.meansRelation("", u.Table, on.Name) && on.matchesTarget(&u.Target) {
					sure = append(sure, e)
				}
			case u.Table != "" && !strings.EqualFold(u.Table, on.Name.Name):
			case u.Own && spelled || !u.Open && !on.matchesTarget(&u.Target) || u.Model != "" && !isOf(u, on.Name.Name):
			case !told && (works[f.Path] || slices.ContainsFunc(u.Words, func(w uint32) bool { return words[w] })):
				may, told = append(may, e), true
			}
		}
	})
	return may, sure
}

// matchesTarget reports whether a target is the wanted one.
func (on *UpsertOn) matchesTarget(t *facts.Target) bool {
	if on.Any {
		return t.Constraint != "" || len(t.Columns) > 0
	}
	if t.Constraint != "" {
		return strings.EqualFold(t.Constraint, on.Constraint)
	}
	return len(t.Columns) > 0 && slices.Equal(sortLower(t.Columns), on.Columns)
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

// isOf reports whether a call's receiver is the model of a table, or a variable that
// holds it.
func isOf(u *facts.MapperUpsert, table string) bool {
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
