package recipe

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/onward"
)

// replacements tell which column takes the place of which. A database may know more of the old one than the catalog.
func (w *twin) replacements() []onward.PlanReplacement {
	out := onward.PlanReplacement{Kind: onward.ReplacementColumn, Old: name(w.t), New: name(w.t), OldColumn: w.old.Name, NewColumn: w.fresh, Known: w.c.Release.knownOn(w.t)}
	if w.said || w.old.Comment != w.now.Comment {
		out.Sets = append(out.Sets, "comment")
	}
	if w.old.StatisticsTarget != w.now.StatisticsTarget {
		out.Sets = append(out.Sets, "settings")
	}
	return []onward.PlanReplacement{out}
}

// replacements tell which columns take the place of the one that is split. They are other data: only privileges are theirs, too.
func (s *split) replacements() (out []onward.PlanReplacement) {
	for _, p := range s.parts {
		out = append(out, onward.PlanReplacement{Kind: onward.ReplacementColumn, Old: name(s.t), New: name(s.t), OldColumn: s.old.old.Name, NewColumn: p.now.Name,
			Sets: []string{"comment", "settings"}, Known: s.first.Release.knownOn(s.t)})
	}
	return out
}

// replacements tell which table takes the place of which.
func (s *shadow) replacements(t, fresh *catalog.Relation) []onward.PlanReplacement {
	out := onward.PlanReplacement{Kind: onward.ReplacementTable, Old: name(t), New: name(fresh), Known: s.release.knownOn(t)}
	set := func(changed bool, property string) {
		if changed {
			out.Sets = append(out.Sets, property)
		}
	}
	set(s.head.Owner != s.t.Owner, "owner")
	set(s.head.Comment != s.t.Comment, "comment")
	set(s.head.ReplicaIdentity != s.t.ReplicaIdentity, "replica identity")
	for _, g := range differingGrants(s.t.Grants, s.head.Grants) {
		for _, p := range allOf(g.Privilege) {
			out.Sets = append(out.Sets, p+" to "+strings.ToLower(role(g.Role)))
		}
	}
	return []onward.PlanReplacement{out}
}

// differingGrants are those that one of two lists has, and the other has not.
func differingGrants(a, b []catalog.Grant) (out []catalog.Grant) {
	for _, pair := range [][2][]catalog.Grant{{a, b}, {b, a}} {
		for _, g := range pair[0] {
			if !slices.Contains(pair[1], g) {
				out = append(out, g)
			}
		}
	}
	return out
}

// allOf are the privileges on a table that a word of GRANT means.
func allOf(privilege string) []string {
	if privilege != "all" {
		return []string{privilege}
	}
	return []string{"select", "insert", "update", "delete", "truncate", "references", "trigger", "maintain"}
}

// knownOn are the triggers and views on a table of the base: the plan was made for them.
func (r *Release) knownOn(t *catalog.Relation) (out []string) {
	for _, tr := range t.Triggers {
		out = append(out, "trigger "+quote(tr.Name))
	}
	for _, v := range r.Deployed.Rels(t.Dependents) {
		out = append(out, "view "+name(v))
	}
	return out
}

// columnGrants give a new column the privileges that roles have on an old one.
func columnGrants(t *catalog.Relation, old, fresh string) (out []string) {
	for _, g := range t.Grants {
		word, columns := columnsOf(g)
		if slices.Contains(columns, old) {
			out = append(out, "GRANT "+strings.ToUpper(word)+" ("+quote(fresh)+") ON "+name(t)+" TO "+role(g.Role))
		}
	}
	return out
}

// columnsOf takes a privilege on columns apart; nil for one on a whole table.
func columnsOf(g catalog.Grant) (word string, columns []string) {
	word, list, is := strings.Cut(g.Privilege, " (")
	if !is {
		return g.Privilege, nil
	}
	return word, strings.Split(strings.TrimSuffix(list, ")"), ", ")
}

// privilege is one for GRANT.
func privilege(g catalog.Grant) string {
	word, columns := columnsOf(g)
	if columns == nil {
		return word
	}
	return word + " (" + quoted(columns) + ")"
}

// statistics give the new column its statistics target at the head.
func (w *twin) statistics(alter string) []string { return setStatistics(alter, w.fresh, w.now) }

// setStatistics gives a column the statistics target of another one.
func setStatistics(alter, column string, like *catalog.Column) []string {
	if like.StatisticsTarget == "" {
		return nil
	}
	return []string{alter + "ALTER COLUMN " + quote(column) + " SET STATISTICS " + like.StatisticsTarget}
}
