package recipe

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// twin is a column that takes the place of another one of its table.
type twin struct {
	*course
	c       *Change
	t       *catalog.Relation // as it is at the base
	head    *catalog.Relation // as it is at the head
	fresh   string            // the new column's name, until the old one is gone
	typ     string
	collate string
	there   string   // the old value as the new column's, "$1" for the value
	cast    bool     // the types differ
	path    string   // what the trigger's function sets for what it calls
	both    bool     // writes of the new column go to the old one, too
	way     way      // the one direction that an UPDATE needs, where that is known
	known   string   // on what evidence
	wrong   []string // why it cannot be made
	trigger string
	fed     bool // a foreign key at the head writes the new column
	early   bool // one of them sets it to its default
	family  *columnFamily
	// referring are tables that refer to the old column.
	referring []*catalog.Relation
	before    []string // what the last transaction does before the drop of the old column
	finishes  []string // what the last transaction does behind the drop of the old column
}

// way is a direction in which changes of a column go.
type way string

const (
	forward  way = "forward"  // from the old column to the new one
	backward way = "backward" // from the new column to the old one
)

// made are the steps: the column, the trigger that keeps both alike, the backfill, what hangs
// on the column, and in a later release the end of the old one.
func (w *twin) made() *Made {
	m := &Made{Missing: w.wrong}
	if len(w.wrong) > 0 {
		w.family.complete(m, nil)
		return m
	}
	w.inTheWay(m)
	c, t := w.c, w.t
	alter := "ALTER TABLE " + name(t) + " "
	add := slices.Concat([]string{alter + "ADD COLUMN " + quote(w.fresh) + " " + w.typ + w.collate}, w.earlyDefault(alter), columnGrants(t, w.old.Name, w.fresh), w.statistics(alter))
	s := m.add(onward.Expand, onward.StepDDL, w.saysAdded(), add...)
	s.Replaces = w.replacements()
	s.Undo = []string{alter + "DROP COLUMN IF EXISTS " + quote(w.fresh)}
	w.trigger = c.Release.behind(m, t, w.old.Name)
	s = m.add(onward.Expand, onward.StepDDL, w.says(), installed(t, w.trigger, w.function(inSchema(t, w.trigger)), c.Release.watched(t, w.head, w.old.Name, w.fresh))...)
	s.Undo = removed(t, w.trigger)
	value := strings.ReplaceAll(w.there, "$1", "t."+quote(w.old.Name))
	otherwise := differs("t."+quote(w.fresh), w.exact(value))
	set := quote(w.fresh) + " = " + value
	b := m.backfill(c, t, "fills "+w.fresh+" where nobody wrote since", set, otherwise)
	if b == nil {
		w.family.complete(m, nil)
		return m
	}
	c.Release.fills(t, w.fresh)
	w.copies(m)
	w.required(m)
	w.sequence(m)
	w.references(m)
	wrong := otherwise
	if w.both && w.cast {
		wrong += " AND " + differs("t."+quote(w.old.Name), "(t."+quote(w.fresh)+")::"+typeName(w.old.Type))
	}
	b.Triggers = []string{w.trigger}
	w.family.complete(m, &changeOver{twin: w, check: "SELECT 1 FROM " + name(t) + " AS t WHERE " + wrong + " LIMIT 1", backfill: b})
	mend := wrong
	if w.both { // what is there may be the new code's, and the old value older
		mend = "t." + quote(w.fresh) + " IS NULL AND (" + wrong + ")"
	}
	compare(b, t, identity(c.Before, t), wrong, changing(t, set, mend))
	w.notes(m)
	return m
}

// settled gives the new column what only the one that code uses may have.
func (w *twin) settled(alter string) (out []string) {
	if own, want := w.notNullNames(); own != want {
		out = append(out, alter+"RENAME CONSTRAINT "+quote(own)+" TO "+quote(want))
	}
	if w.now.Name != w.fresh {
		out = append(out, alter+"RENAME COLUMN "+quote(w.fresh)+" TO "+quote(w.now.Name))
	}
	switch {
	case w.now.DefaultText != "":
		out = append(out, alter+"ALTER COLUMN "+quote(w.now.Name)+" SET DEFAULT "+w.defaults())
	case w.early:
		out = append(out, alter+"ALTER COLUMN "+quote(w.now.Name)+" DROP DEFAULT")
	}
	if w.now.Comment != "" {
		out = append(out, "COMMENT ON COLUMN "+name(w.t)+"."+quote(w.now.Name)+" IS "+pgparse.QuoteLiteral(w.now.Comment))
	}
	return out
}

// defaults is what the default of the column becomes: a constant keeps the type that it was given in.
func (w *twin) defaults() string {
	text := w.now.DefaultText
	if l := pgparse.NextLexeme(text, 0); w.old.DefaultText == text && w.cast && strings.HasPrefix(text, "'") && l.End == len(text) {
		return text + "::" + typeName(w.old.Type)
	}
	return text
}

// required makes the new column NOT NULL where the one at the head is.
func (w *twin) required(m *Made) {
	if !w.now.NotNull {
		return
	}
	phase := onward.Backfill
	for _, c := range w.changes {
		if !w.old.NotNull && (c.subtype() == pgparse.AlterTableType_AT_SetNotNull && c.breaks() || w.said) {
			phase = onward.Contract
		}
	}
	m.notNull(w.c, w.t, w.fresh, phase)
}

func (w *twin) notes(m *Made) {
	if w.said {
		m.note("%s of %s is said to be renamed to %s: its values are kept, which the migrations drop", w.old.Name, w.t.Name, w.now.Name)
	}
	if w.both && w.old.DefaultText != "" && !w.old.NotNull {
		m.note("an INSERT of new code that gives %s as NULL looks as one that leaves it out, up to the last step: it gets the default of %s", w.now.Name, w.old.Name)
	}
	if w.old.DefaultText != w.now.DefaultText {
		m.note("up to the last step an INSERT that leaves %s of %s out gets the deployed default", w.now.Name, w.t.Name)
	}
	if w.cast {
		m.note("until the last step %s of %s is %s: a value that does not fit it is refused, as it is today", w.old.Name, w.t.Name, w.old.Type.Formal())
	}
	m.note("%s stands at the end of %s: code that counts on the order of columns (INSERT without a list, COPY without one, SELECT *) is to name them", w.now.Name, w.t.Name)
	m.note("the backfill of %s fires the triggers that %s has for UPDATE", w.fresh, w.t.Name)
}

// behind is a name for the trigger. A trigger's name decides when it runs: the last one sees what
// the others made of the row.
func (r *Release) behind(m *Made, t *catalog.Relation, column string) string {
	prefix := "zzz_onward"
	for _, tr := range t.Triggers {
		for tr.Name >= prefix && len(prefix) < 40 {
			prefix = "z" + prefix
		}
		if tr.Name >= prefix {
			m.missing("trigger %s of %s has a name behind which none of the plan's can stand: it would run last", tr.Name, t.Name)
		}
	}
	return r.unique(prefix+"_"+t.Name.Name, column, "")
}

// installed are what keeps columns of a table alike: the function, and a trigger of its name, which runs for what
// a subscription or a restore writes, too. Where there are watched columns, an UPDATE that names none of them does not call it.
func installed(t *catalog.Relation, trigger, function string, watched []string) []string {
	events := "INSERT OR UPDATE"
	if len(watched) > 0 {
		events += " OF " + quoted(watched)
	}
	return []string{
		function, "CREATE TRIGGER " + quote(trigger) + " BEFORE " + events + " ON " + name(t) + " FOR EACH ROW EXECUTE FUNCTION " + inSchema(t, trigger) + "()",
		"ALTER TABLE " + name(t) + " ENABLE ALWAYS TRIGGER " + quote(trigger),
	}
}

// watched are the columns that a trigger has to be called for, which keeps some of a table alike; nil for all.
// Where another trigger may change the row, an UPDATE changes what it does not name. Of the key, too: a row
// that gets another one may go from before the backfill to behind its end, and is filled by the trigger then.
// https://www.postgresql.org/docs/current/sql-createtrigger.html#SQL-CREATETRIGGER-NOTES
func (r *Release) watched(t, head *catalog.Relation, columns ...string) []string {
	if t.Inferred || t.Partial || head == nil || changesRow(t) || changesRow(head) {
		return nil
	}
	for _, k := range identity(r.Deployed, t) {
		if is := r.courses[place{t.OID, t.Column(k).Attnum}]; is != nil && (is.now == nil || slices.ContainsFunc(is.changes, (*Change).renames) || slices.ContainsFunc(is.changes, (*Change).retypes)) {
			return nil // no column can be dropped, or get another type, that a trigger names
		}
		if !slices.Contains(columns, k) {
			columns = append(columns, k)
		}
	}
	return columns
}

// changesRow reports whether a table has a trigger that may change what an UPDATE writes.
func changesRow(t *catalog.Relation) bool {
	return slices.ContainsFunc(t.Triggers, func(tr *catalog.Trigger) bool {
		return tr.Inferred || tr.Row && tr.Timing == "before" && strings.Contains(tr.Events, "update")
	})
}

// removed ends that.
func removed(t *catalog.Relation, trigger string) []string {
	return []string{"DROP TRIGGER IF EXISTS " + quote(trigger) + " ON " + name(t), "DROP FUNCTION IF EXISTS " + inSchema(t, trigger) + "()"}
}

// differs is a condition: two values of one type are not the same. The = of a type may take for
// equal what is not the same (numeric, citext), and json has none.
// https://www.postgresql.org/docs/current/functions-comparisons.html#COMPOSITE-TYPE-COMPARISON
func differs(a, b string) string { return "ROW(" + a + ")::record *<> ROW(" + b + ")" }

// exact is a value as one of the new column's type.
func (w *twin) exact(value string) string {
	if !w.cast {
		return value
	}
	return "(" + value + ")::" + w.typ
}

func (w *twin) saysAdded() string {
	if w.early {
		return "is added in an instant. Its default is for the foreign key that sets it: an INSERT gets the value of " + w.old.Name
	}
	return "is added in an instant, without a default: a default would overwrite what the deployed code writes"
}

func (w *twin) says() string {
	switch {
	case w.fed && !w.both:
		return "what is written to " + w.old.Name + " is in " + w.fresh + ", too. What a foreign key writes to " + w.fresh + " is in " + w.old.Name + ", too"
	case w.way == forward:
		return "what the deployed code writes to " + w.old.Name + " is in " + w.fresh + ", too; no UPDATE goes back, for " + w.known
	case w.way == backward:
		return "what the new code writes to " + w.fresh + " is in " + w.old.Name + ", too; no UPDATE goes the other way, for " + w.known
	case w.both:
		return "what the deployed code writes to " + w.old.Name + " is in " + w.fresh + ", too, and what the new code writes to " + w.fresh + " is in " + w.old.Name
	}
	return "what is written to " + w.old.Name + " is in " + w.fresh + ", too"
}

// function keeps both columns of a row alike. Who wrote which is told from what changed: the
// deployed code does not know the new column, and leaves it as it was. Where one direction is left out,
// what is written against the evidence stays where it was written, and the last step's check finds it.
func (w *twin) function(fn string) string {
	old, fresh := "NEW."+quote(w.old.Name), "NEW."+quote(w.fresh)
	there, back := fresh+" := "+strings.ReplaceAll(w.there, "$1", old)+";", old+" := "+fresh+";"
	head := "CREATE FUNCTION " + fn + "() RETURNS trigger LANGUAGE plpgsql" + w.path + " AS $onward$\nBEGIN\n"
	const end = "  RETURN NEW;\nEND\n$onward$"
	if !w.both && !w.fed {
		return head + "  " + there + "\n" + end
	}
	mine, other := differs(fresh, "OLD."+quote(w.fresh)), differs(old, "OLD."+quote(w.old.Name))
	// What nobody filled is, whatever is written: its key may take it to where the backfill was.
	other = "(" + other + " OR " + fresh + " IS NOT DISTINCT FROM NULL)"
	var update string
	switch {
	case w.way == forward:
		update = "  ELSIF " + other + " AND NOT " + mine + " THEN\n    " + there + "\n"
	case w.way == backward:
		update = "  ELSIF " + mine + " THEN\n    " + back + "\n  ELSIF " + fresh + " IS NOT DISTINCT FROM NULL THEN\n    " + there + "\n"
	case w.cast: // what the other type cannot say stays as it is where it was written
		unlike := " AND " + differs(fresh, w.exact(strings.ReplaceAll(w.there, "$1", old)))
		update = "  ELSIF " + mine + unlike + " THEN\n    " + back + "\n  ELSIF " + other + unlike + " THEN\n    " + there + "\n"
	default:
		update = "  ELSIF " + mine + " THEN\n    " + back + "\n  ELSE\n    " + there + "\n"
	}
	if !w.both { // no code knows the new column, and its default is for foreign keys
		return head + "  IF TG_OP = 'INSERT' THEN\n    " + there + "\n" + update + "  END IF;\n" + end
	}
	return head + "  IF TG_OP = 'INSERT' THEN\n    IF " + fresh + " IS DISTINCT FROM NULL THEN\n      " + back + "\n    ELSE\n      " + there + "\n    END IF;\n" + update + "  END IF;\n" + end
}

// inTheWay lists what depends on the old column and is not taken along.
func (w *twin) inTheWay(m *Made) {
	t, head := w.head, w.c.Release.head
	for _, r := range head.Rels(t.Dependents) {
		if w.c.Release.remade(r) || w.follows(r) {
			continue
		}
		if r.View != nil && (r.View.Star || slices.Contains(r.View.Columns[t.OID], w.now.Attnum)) {
			m.missing("%s reads %s: it is to be made anew beside the new column, before the old one goes", r.Name, w.old.Name)
		}
	}
	for _, p := range t.Policies {
		if slices.Contains(p.Uses, w.now.Attnum) {
			m.missing("policy %s of %s reads %s", p.Name, t.Name, w.old.Name)
		}
	}
	for _, p := range head.PoliciesOver(t.OID, w.now.Attnum) {
		m.missing("policy %s of %s reads %s", p.Policy.Name, p.Table.Name, w.old.Name)
	}
	for _, r := range head.RulesOver(t.OID, w.now.Attnum) {
		m.missing("rule %s of %s uses %s", r.Rule.Name, r.Table.Name, w.old.Name)
	}
	for _, o := range head.Publications(t) {
		if list := o.List(t.OID); list != nil && slices.Contains(list.Uses, w.now.Attnum) {
			m.missing("publication %s names %s: its list is to be changed before the old column goes", o.Name.Name, w.old.Name)
		}
	}
	for _, own := range t.Statistics {
		if o := head.Object("statistics object", own); o != nil && slices.Contains(o.Columns, w.now.Attnum) {
			m.missing("statistics object %s is of %s, and goes with it: it is to be made anew on %s", own, w.old.Name, w.fresh)
		}
	}
	for _, f := range head.BodiesOver(t.OID, w.now.Attnum) {
		m.missing("function %s uses %s", f.Name, w.old.Name)
	}
	for _, tr := range t.Triggers {
		if slices.Contains(tr.Columns, w.now.Attnum) || slices.Contains(tr.Uses, w.now.Attnum) {
			m.missing("trigger %s is about %s", tr.Name, w.old.Name)
		}
	}
	for _, col := range t.Columns {
		if slices.Contains(col.GeneratedFrom, w.now.Attnum) {
			m.missing("column %s is generated from %s", col.Name, w.old.Name)
		}
	}
	if w.old.Generated != "" {
		m.missing("%s is generated: its expression cannot be moved to a column that was filled before", w.old.Name)
	}
	m.ofOneTable(t)
}

// ofOneTable notes why a table's rows cannot all be reached by its name.
func (m *Made) ofOneTable(t *catalog.Relation) {
	if len(t.Policies) > 0 && t.RLS {
		m.missing("%s has row-level security: the backfill sees what its role may see", t.Name)
	}
	if len(t.Partitions) > 0 || t.Parent != 0 || t.HasKids() || len(t.Inherits) > 0 {
		m.missing("%s is partitioned, a partition, or has children: the columns of all of them change together", t.Name)
	}
}
