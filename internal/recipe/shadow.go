package recipe

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/onward"
)

// shadow is a table that is made beside another one, and takes its name: what no change in place comes
// to without everybody waiting. Triggers keep it in step with the table, and when both have changed names,
// the table with it, until the deployed code is gone.
type shadow struct {
	release *Release
	c       *Change           // that makes the steps
	t       *catalog.Relation // the table, as it is at the base
	head    *catalog.Relation // what is under its name at the head
	// changes are all that the shadow does.
	changes []*Change
	make    []string // what makes it, in SQL, under its own name
	fresh   string   // that name, until it has the table's
	aside   string   // the table's then
	stays   bool     // the release keeps the table, as aside
	inPlace bool     // the table itself has it at the head
	// attaches: the table becomes a partition as it stands, whose rows meet within; "" for all.
	attaches bool
	within   string
	phase    onward.PlanPhase
	why      string // what the phase is for
	// columns are those that both have, and that are written; from and to are what tells rows apart in
	// the table and in the shadow.
	columns, from, to []string
	indexes           []*catalog.Relation // of the head, by the names that they have until the swap
	swap, back        []string            // what else changes places, and what takes that back
	gone              []string            // what goes before the table does
	alike             []*catalog.Relation // indexes of the head that the table gets, too: new code counts on them
	told              []string            // what to know of it
	wrong             []string            // why it cannot be made
}

func (s *shadow) not(format string, args ...any) {
	s.wrong = append(s.wrong, fmt.Sprintf(format, args...))
}

// goesAlong finds what the rows of the table are gone along by.
func (s *shadow) goesAlong() bool {
	if s.from = identity(s.release.Deployed, s.t); len(s.from) == 0 {
		s.not(keyless, s.t.Name)
	}
	return len(s.from) > 0
}

// under is a relation of the table's schema, by another name.
func (s *shadow) under(own string) *catalog.Relation {
	out := *s.t
	out.Name.Name = own
	return &out
}

// takes is what becomes of a change that the shadow does. Where it cannot be made, all stand as they are, or,
// nil, become what they do without it.
func (s *shadow) takes(c *Change) *Made {
	switch {
	case len(s.wrong) > 0 && s.inPlace:
		return nil
	case len(s.wrong) > 0:
		m := asItStands(c)
		if c == s.c {
			m.Missing = append(m.Missing, s.wrong...)
		}
		return m
	case c == s.c && s.attaches:
		return s.attached()
	case c == s.c:
		return s.made()
	}
	return &Made{}
}

// made are the steps: the shadow, the triggers, the rows, what refers to it, the change of names, and the
// end of the table.
func (s *shadow) made() *Made {
	m := &Made{}
	c, t, shadow, old := s.c, s.t, s.under(s.fresh), s.under(s.aside)
	step := m.add(onward.Expand, onward.StepDDL, "what "+t.Name.Name+" is to be, beside it and empty", s.make...)
	step.Undo = []string{"DROP TABLE IF EXISTS " + name(shadow)}
	step.Replaces = s.replacements(t, shadow)
	there := s.release.syncs(s, t, shadow, s.to, s.from)
	step = m.add(onward.Expand, onward.StepDDL, "what is written to "+t.Name.Name+" is in "+s.fresh+", too", there.make...)
	step.Undo = there.gone
	b := m.copied(c, t, shadow, s.columns, s.to)
	if b == nil {
		return m
	}
	b.Triggers = there.triggers
	s.compared(b, t, shadow)
	for _, x := range s.alike {
		own := s.release.unique(x.Name.Name, "also", "")
		m.indexed(t, own, indexBody(s.head, x.Index, x), true, onward.Expand)
		if s.stays {
			s.gone = append(s.gone, "DROP INDEX "+inSchema(t, own))
		}
	}
	s.references(m)
	s.exchange()
	alter := func(r *catalog.Relation) string { return "ALTER TABLE " + name(r) + " " }
	step = m.add(s.phase, onward.StepDDL, s.why, slices.Concat(there.gone, []string{alter(t) + "RENAME TO " + quote(s.aside), alter(shadow) + "RENAME TO " + quote(t.Name.Name)}, s.swap)...)
	step.Check, step.Behind = s.differ(t, shadow), []*onward.PlannedBackfill{b}
	step.Replaces = s.replacements(t, shadow)
	end := s.gone
	if s.phase == onward.Backfill {
		back := s.release.syncs(s, t, old, s.from, s.to)
		step.SQL = append(step.SQL, back.make...)
		step.Undo = slices.Concat(back.gone, s.back, []string{alter(t) + "RENAME TO " + quote(s.fresh), alter(old) + "RENAME TO " + quote(t.Name.Name)}, there.make)
		end = slices.Concat(back.gone, end)
	}
	if !s.stays {
		end = append(end, "DROP TABLE "+name(old))
	}
	if len(end) > 0 {
		m.add(onward.Contract, onward.StepDDL, "nobody needs the way back any more", end...)
	}
	s.notes(m)
	return m
}

// pair are statements that make something, and those that end it.
type pair struct{ make, gone, triggers []string }

// syncs does to one table what is done to another: keys tell the rows of into apart, was those of from.
// It runs with its owner's rights, for who may write the one need not be allowed to write the other.
func (r *Release) syncs(s *shadow, from, into *catalog.Relation, keys, was []string) pair {
	trigger := r.unique("onward_"+into.Name.Name, "", "")
	fn := quote(from.Name.Schema) + "." + quote(trigger)
	target := quote(into.Name.Schema) + "." + quote(into.Name.Name)
	on := func(events, each, label string) string {
		return "CREATE TRIGGER " + quote(label) + " AFTER " + events + " ON " + name(from) + " FOR EACH " + each + " EXECUTE FUNCTION " + fn + "()"
	}
	all := r.unique("onward_"+into.Name.Name, "all", "")
	alter := "ALTER TABLE " + name(from) + " ENABLE ALWAYS TRIGGER "
	drop := func(label string) string { return "DROP TRIGGER IF EXISTS " + quote(label) + " ON " + name(from) }
	return pair{
		make:     []string{s.function(fn, target, keys), on("INSERT OR UPDATE OR DELETE", "ROW", trigger), on("TRUNCATE", "STATEMENT", all), alter + quote(trigger), alter + quote(all)},
		gone:     []string{drop(trigger), drop(all), "DROP FUNCTION IF EXISTS " + fn + "()"},
		triggers: []string{trigger, all},
	}
}

// function is the body of both triggers. A row that is not there yet comes with the backfill, or with
// what is written to it. A transaction that does not see what was committed since it began would leave
// behind what it does not see: it is refused instead (40001), as it is where it meets such a row itself.
func (s *shadow) function(fn, target string, keys []string) string {
	var columns, fresh, old, set, sets, where []string
	for _, n := range s.columns {
		q := quote(n)
		columns, fresh, old = append(columns, q), append(fresh, "NEW."+q), append(old, "OLD."+q)
		if col := s.t.Column(n); col != nil && col.Identity == "always" {
			continue // it cannot be changed in either
		}
		set = append(set, q+" = NEW."+q)
		if !slices.Contains(keys, n) {
			sets = append(sets, q+" = EXCLUDED."+q)
		}
	}
	for _, k := range keys {
		where = append(where, "t."+quote(k)+" = OLD."+quote(k))
	}
	insert := "INSERT INTO " + target + " (" + strings.Join(columns, ", ") + ") OVERRIDING SYSTEM VALUE VALUES ("
	conflict := ") ON CONFLICT (" + quoted(keys) + ") DO "
	do := "NOTHING"
	if len(sets) > 0 {
		do = "UPDATE SET " + strings.Join(sets, ", ")
	}
	return fmt.Sprintf(`CREATE FUNCTION %s() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = %s AS $onward$
BEGIN
  IF TG_OP = 'TRUNCATE' THEN
    TRUNCATE %s;
    RETURN NULL;
  END IF;
  IF TG_OP <> 'INSERT' THEN
    IF current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
      %s;
    END IF;
    IF TG_OP = 'DELETE' THEN
      DELETE FROM %[3]s AS t WHERE %[5]s;
      RETURN NULL;
    END IF;
    UPDATE %[3]s AS t SET %[6]s WHERE %[5]s;
    IF FOUND THEN
      RETURN NULL;
    END IF;
  END IF;
  %[7]s;
  RETURN NULL;
END
$onward$`, fn, s.path(), target, insert+strings.Join(old, ", ")+conflict+"NOTHING", strings.Join(where, " AND "), strings.Join(set, ", "), insert+strings.Join(fresh, ", ")+conflict+do)
}

// path is where the functions look for what compares the keys: nowhere that others may write.
func (s *shadow) path() string {
	out := []string{"pg_catalog"}
	for _, k := range slices.Concat(s.from, s.to) {
		col := s.t.Column(k)
		if col == nil || col.Type.Name.Schema == "" || slices.Contains(out, quote(col.Type.Name.Schema)) {
			continue
		}
		out = append(out, quote(col.Type.Name.Schema))
	}
	return strings.Join(append(out, "pg_temp"), ", ")
}

// compared has the rows of both tables compared: each of the table has its like in the shadow, and each of the shadow
// comes from the table. Up to the change of names what stands in the table is right.
func (s *shadow) compared(b *onward.PlannedBackfill, t, shadow *catalog.Relation) {
	var here, like, there, sets []string
	for _, n := range s.columns {
		here, there = append(here, "t."+quote(n)), append(there, "s."+quote(n))
		if col := s.t.Column(n); !slices.Contains(s.to, n) && (col == nil || col.Identity != "always") {
			sets = append(sets, quote(n)+" = EXCLUDED."+quote(n))
		}
	}
	for _, k := range s.to {
		like = append(like, "s."+quote(k)+" = t."+quote(k))
	}
	do := "NOTHING"
	if len(sets) > 0 {
		do = "UPDATE SET " + strings.Join(sets, ", ")
	}
	compare(b, t, identity(s.c.Before, t), "NOT EXISTS (SELECT FROM "+name(shadow)+" AS s WHERE "+strings.Join(like, " AND ")+
		" AND NOT "+differs(strings.Join(here, ", "), strings.Join(there, ", "))+")", copying(t, shadow, s.columns, s.to, do))
	beyond := "NOT EXISTS (SELECT FROM " + name(t) + " AS s WHERE " + strings.Join(like, " AND ") + ")"
	compare(b, shadow, s.to, beyond, func(join string) string {
		return "DELETE FROM " + name(shadow) + " AS t USING batch WHERE " + join + " AND " + beyond
	})
}

// differ finds a row that is not the same in both tables.
func (s *shadow) differ(t, shadow *catalog.Relation) string {
	var on, a, b []string
	for _, k := range s.to {
		on = append(on, "t."+quote(k)+" = s."+quote(k))
	}
	for _, n := range s.columns {
		a, b = append(a, "t."+quote(n)), append(b, "s."+quote(n))
	}
	k := quote(s.to[0])
	return "SELECT 1 FROM " + name(t) + " AS t FULL JOIN " + name(shadow) + " AS s ON " + strings.Join(on, " AND ") +
		" WHERE t." + k + " IS NULL OR s." + k + " IS NULL OR " + differs(strings.Join(a, ", "), strings.Join(b, ", ")) + " LIMIT 1"
}

func quoted(names []string) string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = quote(n)
	}
	return strings.Join(out, ", ")
}

func (s *shadow) notes(m *Made) {
	t := s.t.Name
	m.Notes = append(m.Notes, s.told...)
	m.note("%s is written anew as %s: there is to be room for it twice, and for the WAL of it", t, s.fresh)
	m.note("from the first step to the last, each write to %s is two; where rows are written by a transaction that is REPEATABLE READ or SERIALIZABLE, it may have to be tried again (40001)", t)
	if s.phase == onward.Backfill {
		m.note("%s is %s, kept in step, up to the last step: so it can be taken back. Prepared statements and what names tables by OID are planned anew", s.aside, t)
	} else {
		m.note("up to the swap %s is the plain table for new code, too: it cannot attach partitions of its own to it, or detach them", t)
	}
}
