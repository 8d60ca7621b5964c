package recipe

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/workload/deprecation"
	"github.com/onward-sql/onward/onward"
)

// split is a column that the release drops, and several that it adds, of which a deprecation says
// that they are the same: the new columns are filled from the old one, and the old one from them.
type split struct {
	old         *course
	t           *catalog.Relation // as it is at the base
	parts       []*part
	joined      string  // the old value, of the new ones; "" where nobody says
	first, last *Change // of what makes it
	trigger     string
	filling     *onward.PlannedBackfill
	way         way      // the one direction that an UPDATE needs, where that is known
	wrong       []string // why it cannot be made
}

// part is one of the new columns.
type part struct {
	*course
	value string // an expression over the old column
	def   *definition
}

// splits takes the columns together that one is said to be split into.
func (r *Release) splits() {
	for _, old := range r.order {
		said := r.saidOf(old)
		if said == nil || len(said.Into) == 0 {
			continue
		}
		s := &split{old: old, t: r.Deployed.Relation(old.table), joined: said.Joined}
		var absent []string
		for _, p := range said.Into {
			if is := r.addedBy(old.table, p.Column); is != nil {
				s.parts = append(s.parts, &part{course: is, value: p.Value})
				continue
			}
			absent = append(absent, p.Column)
		}
		if len(s.parts) == 0 || s.t == nil { // they were added before: what is left is the drop
			continue
		}
		for _, column := range absent {
			s.not("%s of %s is said to be split into %s, which the release does not add", old.old.Name, s.t.Name, column)
		}
		s.gather(r)
	}
}

// gather makes one of what the release does to the old column and to the new ones.
func (s *split) gather(r *Release) {
	s.old.split = s
	all := slices.Clone(s.old.changes)
	for _, p := range s.parts {
		p.split = s
		all = append(all, p.changes...)
		if p.def = definitionOf(p.changes[0]); p.def == nil || p.first() != nil || p.now.Generated != "" || p.now.Sequence != 0 || p.def.rewrite && p.def.value == "" {
			s.not("%s of %s is said to be split into %s, which is not a plain column that the release adds as it is to be", s.old.old.Name, s.t.Name, p.now.Name)
		}
		r.Filled[full(s.t, p.now.Name)] = true
	}
	at := func(c *Change) int { return slices.Index(r.changes, c) }
	slices.SortFunc(all, func(a, b *Change) int { return at(a) - at(b) })
	s.first, s.last = all[0], all[len(all)-1]
	switch head := r.head.Relation(s.old.table); {
	case head == nil || head.Name != s.t.Name:
		s.not("%s gets another name, and its column %s is split, in one release: a release for each is planned", s.t.Name, s.old.old.Name)
	case primary(s.t, s.old.old):
		s.not("%s is part of the primary key of %s: rows of new code would have none", s.old.old.Name, s.t.Name)
	case s.old.old.Generated != "":
		s.not("%s of %s is generated: a trigger sees nothing in it", s.old.old.Name, s.t.Name)
	}
	s.expressions()
	for _, c := range r.changes {
		for _, p := range s.parts {
			if c.fills(s.old.table, p.now.Name) && !s.done(c) {
				s.not("%s:%d gives %s values of its own, and %s is said to be split into it: one of the two is wrong", c.Migration.Path, c.Line, p.now.Name, s.old.old.Name)
			}
		}
	}
}

func (s *split) not(format string, args ...any) {
	s.wrong = append(s.wrong, fmt.Sprintf(format, args...))
}

// expressions notes what the said ones read beside what they are of.
func (s *split) expressions() {
	only := func(text, what string, names ...string) {
		_, ok := named(text, func(column string) string {
			if !slices.Contains(names, column) {
				s.not("%s is said to be %s, which reads %s, too", what, text, column)
			}
			return ""
		})
		if !ok {
			s.not("%s is said to be %s, which is not followed", what, text)
		}
	}
	var names []string
	for _, p := range s.parts {
		only(p.value, p.now.Name, s.old.old.Name)
		names = append(names, p.now.Name)
	}
	if s.joined != "" {
		only(s.joined, s.old.old.Name, names...)
	}
}

// done reports whether a change fills the new columns as the trigger and the backfill do.
func (s *split) done(c *Change) bool {
	stmt := c.Node.GetUpdateStmt()
	if stmt == nil || len(stmt.FromClause) > 0 || !c.changesRows(s.old.table) {
		return false
	}
	return !slices.ContainsFunc(stmt.TargetList, func(n *pgparse.Node) bool {
		target := n.GetResTarget()
		return !slices.ContainsFunc(s.parts, func(p *part) bool {
			f, err := pgparse.Split("SELECT " + p.value)
			return p.now.Name == target.GetName() && err == nil &&
				pgparse.Equal(target.GetVal(), f.Stmts[0].Node.GetSelectStmt().GetTargetList()[0].GetResTarget().GetVal())
		})
	})
}

// takes is what becomes of a change of one of the columns.
func (s *split) takes(c *Change) *Made {
	m := &Made{}
	if c == s.first {
		if m.Missing = s.wrong; len(s.wrong) == 0 {
			s.begins(m)
		}
	}
	if c == s.last && len(s.wrong) == 0 && s.trigger != "" {
		s.ends(m)
	}
	return m
}

// list is what f makes of each new column, between commas.
func (s *split) list(f func(p *part) string) string {
	var out []string
	for _, p := range s.parts {
		out = append(out, f(p))
	}
	return strings.Join(out, ", ")
}

// columns are the new ones of a row.
func (s *split) columns(row string) string {
	return s.list(func(p *part) string { return row + quote(p.now.Name) })
}

// of is the value of a new column for a row. What must not be NULL, and has a default, gets that
// where the old value says nothing.
func (s *split) of(p *part, row string) string {
	value, _ := named(p.value, func(string) string { return row + quote(s.old.old.Name) })
	if p.now.NotNull && p.now.DefaultText != "" {
		return "coalesce(" + value + ", " + p.now.DefaultText + ")"
	}
	return value
}

// unfilled is a condition: a row's new columns have no value, and would have one.
func (s *split) unfilled(row string) string {
	return "num_nonnulls(" + s.columns(row) + ") = 0 AND num_nonnulls(" + s.list(func(p *part) string { return s.of(p, row) }) + ") > 0"
}

// begins adds the columns, keeps them alike and fills them.
func (s *split) begins(m *Made) {
	c, t, r := s.first, s.t, s.first.Release
	alter := "ALTER TABLE " + name(t) + " "
	m.ofOneTable(t)
	var add, drop []string
	for _, p := range s.parts {
		head := p.def.head
		add, drop = append(add, alter+head), append(drop, alter+"DROP COLUMN IF EXISTS "+quote(p.now.Name))
		add = append(add, columnGrants(t, s.old.old.Name, p.now.Name)...)
	}
	step := m.add(onward.Expand, onward.StepDDL, "are added in an instant, without defaults: a default would look as if new code had written it", add...)
	step.Undo, step.Replaces = drop, s.replacements()
	if s.joined == "" && s.old.old.Required() {
		step = m.add(onward.Expand, onward.StepDDL, "the new code does not know "+s.old.old.Name+", and leaves it out", alter+"ALTER COLUMN "+quote(s.old.old.Name)+" DROP NOT NULL")
		step.Undo = []string{alter + "ALTER COLUMN " + quote(s.old.old.Name) + " SET NOT NULL"}
	}
	trigger := r.behind(m, t, s.old.old.Name)
	watched := []string{s.old.old.Name}
	for _, p := range s.parts {
		watched = append(watched, p.now.Name)
	}
	all := s.list(func(p *part) string { return p.now.Name })
	why := "what the deployed code writes to " + s.old.old.Name + " is in " + all + ", too"
	var known string
	if s.joined != "" {
		var now []*catalog.Column
		for _, p := range s.parts {
			now = append(now, p.now)
		}
		why += ", and what the new code writes to them is in " + s.old.old.Name
		// The other way stays: no check could tell, before the old column goes, what was not taken apart.
		if s.way, known = r.direction(t, r.head.Relation(t.OID), s.old.old, now...); s.way == forward {
			why += " where it adds a row; no UPDATE goes back, for " + known
		}
	}
	step = m.add(onward.Expand, onward.StepDDL, why, installed(t, trigger, s.function(inSchema(t, trigger)), r.watched(t, r.head.Relation(t.OID), watched...))...)
	step.Undo = removed(t, trigger)
	set := s.list(func(p *part) string { return quote(p.now.Name) + " = " + s.of(p, "t.") })
	if s.filling = m.backfill(c, t, "fills "+all+" where nobody wrote since", set, s.unfilled("t.")); s.filling == nil {
		return
	}
	s.filling.Triggers = []string{trigger}
	compare(s.filling, t, identity(c.Before, t), s.unfilled("t."), changing(t, set, s.unfilled("t.")))
	s.trigger = trigger
	for _, p := range s.parts {
		r.fills(t, p.now.Name)
		r.derived[key(t, p.now.Name)] = true
	}
	s.notes(m, all)
}

// function keeps the columns of a row alike. Who wrote is told from what changed: what differs from
// the parts of the old value is the new code's. A backfill writes just those.
func (s *split) function(fn string) string {
	old, fresh := quote(s.old.old.Name), s.columns("NEW.")
	var declared, computed, split, missed strings.Builder
	var vars []string
	for i, p := range s.parts {
		v, col := fmt.Sprintf("onward_%d", i+1), "NEW."+quote(p.now.Name)
		vars = append(vars, v)
		fmt.Fprintf(&declared, "  %s %s;\n", v, typeName(p.now.Type))
		fmt.Fprintf(&computed, "  %s := %s;\n", v, s.of(p, "NEW."))
		fmt.Fprintf(&split, "    %s := %s;\n", col, v)
		if p.now.DefaultText != "" {
			fmt.Fprintf(&missed, "      %s := coalesce(%s, %s);\n", col, col, p.now.DefaultText)
		}
	}
	back := "    NULL; -- the new code's: nobody says what it is in " + old + "\n"
	if s.joined != "" {
		value, _ := named(s.joined, func(column string) string { return "NEW." + quote(column) })
		back = "    NEW." + old + " := " + value + ";\n"
	}
	given := missed.String()
	if given != "" {
		given = "    IF TG_OP = 'INSERT' THEN\n" + given + "    END IF;\n"
	}
	was := s.columns("OLD.")
	unfilled := "num_nonnulls(" + fresh + ") = 0 AND NEW." + old + " IS DISTINCT FROM NULL"
	mine, other := " OR TG_OP = 'UPDATE' AND "+differs(fresh, was), " OR ("+differs("NEW."+old, "OLD."+old)+" OR "+unfilled+")"
	if s.way == forward { // what is written against the evidence stays where it was written
		mine, other = "", other+" AND NOT "+differs(fresh, was)
	}
	return "CREATE FUNCTION " + fn + "() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $onward$\nDECLARE\n" + declared.String() + "BEGIN\n" +
		"  IF TG_OP = 'UPDATE' AND NOT " + differs(fresh+", NEW."+old, was+", OLD."+old) + " AND NOT (" + unfilled + ") THEN\n    RETURN NEW;\n  END IF;\n" + computed.String() +
		"  IF " + differs(fresh, strings.Join(vars, ", ")) + " AND (TG_OP = 'INSERT' AND num_nonnulls(" + fresh + ") > 0" + mine + ") THEN\n" +
		given + back +
		"  ELSIF TG_OP = 'INSERT'" + other + " THEN\n" + split.String() +
		"  END IF;\n  RETURN NEW;\nEND\n$onward$"
}

// ends makes the new columns what they are to be, and drops the old one.
func (s *split) ends(m *Made) {
	t := s.t
	alter := "ALTER TABLE " + name(t) + " "
	last := removed(t, s.trigger)
	drop := alter + "DROP COLUMN " + quote(s.old.old.Name)
	if c := s.old.changes[len(s.old.changes)-1]; c.Command.Behavior == pgparse.DropBehavior_DROP_CASCADE {
		drop += " CASCADE"
	}
	last = append(last, drop)
	for _, p := range s.parts {
		if p.now.NotNull {
			m.notNull(p.changes[0], t, p.now.Name, onward.Contract)
		}
		for i, con := range p.def.others {
			p.def.other(m, p.changes[0], t, con, p.def.texts[i], onward.Contract)
		}
		if p.now.DefaultText != "" {
			last = append(last, alter+"ALTER COLUMN "+quote(p.now.Name)+" SET DEFAULT "+p.now.DefaultText)
		}
		if p.now.Comment != "" {
			last = append(last, "COMMENT ON COLUMN "+name(t)+"."+quote(p.now.Name)+" IS "+pgparse.QuoteLiteral(p.now.Comment))
		}
	}
	step := m.add(onward.Contract, onward.StepDDL, "nobody uses "+s.old.old.Name+" any more", last...)
	step.Check = "SELECT 1 FROM " + name(t) + " AS t WHERE " + s.unfilled("t.") + " LIMIT 1"
	step.Behind = []*onward.PlannedBackfill{s.filling}
}

func (s *split) notes(m *Made, all string) {
	old, t := s.old.old, s.t.Name
	m.note("%s of %s is said to be split into %s: its values are kept, which the migrations drop", old.Name, t, all)
	m.note("conditions of %s (NOT NULL, UNIQUE, CHECK, FOREIGN KEY) come when the deployed code is gone: up to then its values of %s are taken apart, whatever they are", all, old.Name)
	if s.joined == "" {
		is := "NULL"
		if old.DefaultText != "" {
			is = "its default"
		}
		m.note("nobody says what %s is joined as: in rows that new code adds it is %s for the deployed code, in rows that new code changes it keeps its old value, and a way back loses what new code wrote to %s", old.Name, is, all)
	} else {
		whole := s.whole()
		m.note("where a value of %s is not the same when it is split and joined again, it stays as it was written: new code's parts stay, too, until the deployed code writes another value. How many rows have such a value: SELECT count(*) FROM %s WHERE %s IS DISTINCT FROM %s", old.Name, name(s.t), quote(old.Name), whole)
		if old.NotNull {
			m.note("up to the last step %s must not be NULL: rows of new code for which %s is NULL are refused", old.Name, s.joined)
		}
	}
	if old.DefaultText != "" {
		m.note("an INSERT of new code that gives none of %s gets the parts of the default of %s, up to the last step", all, old.Name)
	}
	for _, p := range s.parts {
		if p.now.DefaultText != "" {
			m.note("an INSERT of new code that gives %s as NULL gets its default, up to the last step", p.now.Name)
		}
		if named := p.now.Type.Name.Name; named != "text" && p.now.Type.Name.Schema == "pg_catalog" || p.now.Type.Name.Schema != "pg_catalog" {
			m.note("%s is %s: a value of %s whose part does not fit it is refused, to the deployed code, too", p.now.Name, p.now.Type.Formal(), old.Name)
		}
	}
	m.note("the backfill of %s fires the triggers that %s has for UPDATE", all, t)
}

// whole is the old value, split and joined again.
func (s *split) whole() string {
	out, _ := named(s.joined, func(column string) string {
		i := slices.IndexFunc(s.parts, func(p *part) bool { return p.now.Name == column })
		return "(" + s.parts[i].value + ")"
	})
	return out
}

// saidOf is what is said of a column that the release drops; nil where nothing is.
func (r *Release) saidOf(old *course) *deprecation.Deprecation {
	if old.old == nil || old.now != nil {
		return nil
	}
	drop := old.changes[len(old.changes)-1]
	t, col := drop.column()
	if col == nil || drop.subtype() != pgparse.AlterTableType_AT_DropColumn {
		return nil
	}
	return deprecation.Column(t.Name, col, r.Deprecated)
}

// addedBy is a column that the release adds to a table; nil where it adds none of that name.
func (r *Release) addedBy(table catalog.OID, column string) *course {
	for _, is := range r.order {
		if is.table == table && is.old == nil && is.now != nil && is.now.Name == column {
			return is
		}
	}
	return nil
}
