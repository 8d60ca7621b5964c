package usage

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
)

// AnyUpsert gives the places that say ON CONFLICT.
func (b *Bound) AnyUpsert() []Use {
	var out []Use
	b.eachFile(func(f *File) {
		for i := range f.Facts.Queries {
			for _, u := range f.Facts.Queries[i].Upserts {
				out = append(out, Use{f.Path, u.Line, Inserts, Parsed, rankWrite})
			}
		}
	})
	spelled := len(out) > 0
	b.eachFile(func(f *File) {
		for _, u := range f.Facts.Upserts {
			if !u.Own || !spelled {
				out = append(out, Use{f.Path, u.Line, Inserts, Parsed, rankCall})
			}
		}
	})
	return b.ranked(out)
}

// UpsertOn is what ON CONFLICT may ask for: columns of a relation, or a constraint.
type UpsertOn struct {
	Name       catalog.Name
	Columns    []string
	Constraint string
	// Partial: of some rows, so that ON CONFLICT has to have a condition, too.
	Partial bool
	// Fields are the columns of the classes that map the table, by their fields.
	Fields map[string]map[string]string
}

// Upsert gives the places that say ON CONFLICT so, and those that may: the table, or what
// they ask for, they do not spell.
func (b *Bound) Upsert(on UpsertOn) (sure, may []Use) {
	on.Columns = sorted(on.Columns)
	var open []Use
	spelled := false
	b.eachFile(func(f *File) {
		for i := range f.Facts.Queries {
			q := &f.Facts.Queries[i]
			for k := range q.Upserts {
				u := &q.Upserts[k]
				spelled = spelled || u.Relation >= 0
				e := Use{f.Path, u.Line, Inserts, Parsed, rankWrite}
				switch own := u.Relation >= 0 && b.is(q.Relations[u.Relation].Schema, q.Relations[u.Relation].Name, on.Name); {
				case on.Partial && !u.Where && u.Constraint == "":
				case !own && u.Relation >= 0 || !u.Open && !on.is(&u.Target):
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
	return b.ranked(append(sure, of...)), append(may, calls...)
}

// mapperUpserts gives the calls of mappers that may say ON CONFLICT so, and those that
// do. Where the program spells its SQL, its own functions are called Upsert.
func (b *Bound) mapperUpserts(on *UpsertOn, spelled bool) (may, sure []Use) {
	words := map[uint32]bool{}
	for _, w := range TableWords(on.Name.Name) {
		words[Mark(w)] = true
	}
	works := b.Works(on.Name)
	b.eachFile(func(f *File) {
		told := false // once a file
		for i := range f.Facts.Upserts {
			u := &f.Facts.Upserts[i]
			e := Use{f.Path, u.Line, Inserts, Parsed, rankCall}
			switch {
			case u.Fields:
				if of := on.Fields[u.Model]; of != nil && !on.Partial && on.is(u.withFields(of)) {
					sure = append(sure, e)
				}
			case u.Table != "" && !u.Open && !on.Partial:
				if b.is("", u.Table, on.Name) && on.is(&u.Target) {
					sure = append(sure, e)
				}
			case u.Table != "" && !strings.EqualFold(u.Table, on.Name.Name):
			case u.Own && spelled || !u.Open && !on.is(&u.Target) || u.Model != "" && !u.isOf(on.Name.Name):
			case !told && (works[f.Path] || slices.ContainsFunc(u.Words, func(w uint32) bool { return words[w] })):
				may, told = append(may, e), true
			}
		}
	})
	return may, sure
}

// is reports whether a target is what is asked for.
func (on *UpsertOn) is(t *Target) bool {
	if t.Constraint != "" {
		return strings.EqualFold(t.Constraint, on.Constraint)
	}
	return len(t.Columns) > 0 && slices.Equal(sorted(t.Columns), on.Columns)
}

// sorted are names in lower case, in order.
func sorted(names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = strings.ToLower(n)
	}
	slices.Sort(out)
	return out
}

// withFields is the target with the columns of its fields.
func (u *MapperUpsert) withFields(columns map[string]string) *Target {
	t := &Target{}
	for _, f := range u.Columns {
		t.Columns = append(t.Columns, columns[f])
	}
	return t
}

// keepers is what the name of a model's keeper has behind the model's: userRepo.
var keepers = []string{"", "s", "repo", "repository", "model", "table", "store", "service", "dao", "entity", "mapper"}

// isOf reports whether a call is on the model of a table, or on what keeps it.
func (u *MapperUpsert) isOf(table string) bool {
	return slices.ContainsFunc(TableWords(table), func(w string) bool {
		rest, ok := strings.CutPrefix(strings.ToLower(u.Model), strings.ToLower(w))
		return ok && (rest == "" || u.Keeper && slices.Contains(keepers, rest))
	})
}

// eachFile calls f for the files of the code that were read.
func (b *Bound) eachFile(f func(*File)) {
	for i := range b.files {
		if b.files[i].Facts != nil && !b.skips(int32(i)) {
			f(&b.files[i])
		}
	}
}
