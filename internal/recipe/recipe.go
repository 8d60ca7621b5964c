package recipe

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/outside"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// Change is one act of a migration: a statement, or one command of an ALTER TABLE.
type Change struct {
	*rule.Stmt
	// Command is nil where the statement is the change.
	Command *pgparse.AlterTableCmd
	// Text is the command, or the statement, as it is written.
	Text string
	// Release is what the change is a part of.
	Release *Release
	// Breaks is what stands against it for the deployed code; Locks what makes others wait.
	Breaks, Locks []onward.Finding
}

// Release is what a plan is made for, and what its recipes have decided so far.
type Release struct {
	// Deployed is the schema of the base.
	Deployed *catalog.Catalog
	// Versions are the major versions that the plan is for.
	Versions []int
	// filled are columns that a backfill fills: what checks them comes behind it.
	filled map[string]bool
	// derived are columns that have what the deployed code writes in another form: a condition of
	// them may refuse what it writes.
	derived map[string]bool
	names   map[string]bool
	// changes are all of the release, and head the schema behind them.
	changes []*Change
	head    *catalog.Catalog
	// courses are what becomes of columns; order has them as they are first changed.
	courses map[place]*course
	order   []*course
	// shadows are tables that take the place of others.
	shadows []*shadow
	// Volatile are columns whose values differ each time that they are made: "public.t.c".
	Volatile map[string]bool
	// Deprecated are columns that the settings call so, by table.column, in the words of a comment.
	Deprecated map[string]string
	// Unwritten says on what evidence a code is known never to write a column of a table; "" where it
	// may. Where it is nil, nothing is known.
	Unwritten func(of onward.Code, table *catalog.Relation, column string) string
	// SoftDelete are columns that the settings call the mark of deleted rows, by table.
	SoftDelete map[string]string
	// Adopted are those that the release adds, and Beyond the statements that make of the release's
	// schema the one that the plan makes, because words of a column ask for more.
	Adopted []Adopted
	Beyond  []string
	// Filled are columns that the plan fills, and the migrations do not: "public.t.c".
	Filled map[string]bool
	// Changed are columns whose old values nobody can give back.
	Changed map[string]bool
	// Keeps reports whether the plan keeps something in [Schema].
	Keeps bool
	// Kept are types that nobody can make what they were: "TYPE public.t".
	Kept map[string]bool
}

// NewRelease begins a plan.
func NewRelease(deployed *catalog.Catalog, versions []int) *Release {
	return &Release{Deployed: deployed, Versions: versions, filled: map[string]bool{}, derived: map[string]bool{}, names: map[string]bool{}, courses: map[place]*course{}, Filled: map[string]bool{}, Volatile: map[string]bool{}, Changed: map[string]bool{}, Kept: map[string]bool{}}
}

// Step is one of what takes the place of a change.
type Step struct {
	Phase onward.PlanPhase
	Class onward.StepClass
	// SQL are its statements, without semicolons. Those of StepDDL and StepValidate run in
	// one transaction; the others are one statement.
	SQL []string
	Why string
	// Undo are statements that take it back.
	Undo []string
	// Check finds rows that are not right yet.
	Check string
	// Backfill is how a backfill goes along its rows, and how they are compared.
	Backfill *onward.PlannedBackfill
	// Behind are the backfills whose rows must have been compared, and found right, before the step.
	Behind []*onward.PlannedBackfill
	// Replaces are the relations and columns whose place others take, from this step on or until it.
	Replaces []onward.PlanReplacement
	// From is the change that it comes from.
	From *Change
	// Alone: a step of StepWork runs outside of a transaction.
	Alone bool
	// Joins: it may run in one transaction with such a step before it, from the same statement.
	Joins bool
	// Judged: it is the change as it stands, and nothing was found that makes others wait: by what is
	// known of sizes, too.
	Judged bool
}

// Adopted is a column that says from this release on which rows of a table are deleted.
type Adopted struct{ Table, Column string }

// Made is what a recipe makes of a change.
type Made struct {
	Steps []Step
	// Missing says why the plan cannot be proven, Notes what to know of it.
	Missing, Notes []string
	// Says are statements that nobody runs but the new code, or who operates it.
	Says []onward.PlanStatement
}

func (m *Made) say(what, text, sql string) {
	m.Says = append(m.Says, onward.PlanStatement{Name: what, Text: text, SQL: sql})
}

func (m *Made) missing(format string, args ...any) {
	m.Missing = append(m.Missing, fmt.Sprintf(format, args...))
}

func (m *Made) note(format string, args ...any) {
	m.Notes = append(m.Notes, fmt.Sprintf(format, args...))
}

func (m *Made) add(phase onward.PlanPhase, class onward.StepClass, why string, sql ...string) *Step {
	m.Steps = append(m.Steps, Step{Phase: phase, Class: class, Why: why, SQL: sql})
	return &m.Steps[len(m.Steps)-1]
}

// Recipe is the safe form of one kind of change.
type Recipe struct {
	// Name is that of its file: "column-rename".
	Name string
	// Make gives what takes the place of a change; nil where it is not about it.
	Make func(c *Change) *Made
}

// Recipes are all, and the first that is about a change makes its steps.
var Recipes = []*Recipe{
	viewRemade,
	columnGenerated, columnAdd, columnRename, columnType, columnDrop, columnNotNull, columnDefault,
	partitionKey, constraintReplace, constraintCheck, constraintForeignKey, partitionUnique, constraintKey, constraintUnique, constraintExclude, partitionIndex, indexCreate, indexDrop, tableRename, tableDrop, rowsUpdate, enumValue, partitionDetach, partitionAttach,
}

// Plan gives the steps of a change: its recipe's, or the change itself.
func Plan(c *Change) *Made {
	if r := c.Result.Refused; r != nil {
		m := asItStands(c)
		m.missing("%s:%d is refused by the server: %s", c.Migration.Path, c.Line, r.Message())
		return m
	}
	if s := c.Release.shadowOf(c); s != nil {
		if m := s.takes(c); m != nil {
			return m
		}
	}
	if c.fresh() {
		return asItStands(c)
	}
	if m := c.taken(); m != nil {
		return m
	}
	for _, r := range Recipes {
		if m := r.Make(c); m != nil {
			return m
		}
	}
	return asItStands(c)
}

// asItStands is a change that is safe, or has no safe form.
func asItStands(c *Change) *Made {
	m := &Made{}
	class := onward.StepDDL
	sql := c.Text
	switch {
	case c.Result.NoTransaction != "":
		class = onward.StepConcurrent
	case c.Command != nil:
		sql = c.AlterTable() + " " + c.written()
		if c.Command.Subtype == pgparse.AlterTableType_AT_ValidateConstraint {
			class = onward.StepValidate
		}
	}
	why := "is safe as it stands"
	if c.waits() {
		why = "stands as it is, and others wait for it"
	}
	if len(outside.Role{}.ListReach(c.Node)) > 0 { // apply runs such a statement as part of this class only
		class = onward.StepWork
	}
	s := m.add(c.checkPhase(""), class, why, sql)
	s.Undo, s.Judged, s.Alone = c.undo(), !c.waits(), c.Result.NoTransaction != ""
	c.writesRows()
	return m
}

// waits reports whether a change makes others wait for a time that grows with a table.
func (c *Change) waits() bool {
	return slices.ContainsFunc(c.Locks, func(f onward.Finding) bool { return f.Severity == onward.Error })
}

// fresh reports whether a change is about a table that the release made: nobody uses it.
func (c *Change) fresh() bool {
	rel := c.table()
	return rel != nil && rel.OID != 0 && c.Before.CreatedSince(c.Release.Deployed, rel.OID)
}

// table is what the change is about, as it is before; nil where it is about no table.
func (c *Change) table() *catalog.Relation {
	switch n := c.Node.GetNode().(type) {
	case *pgparse.Node_AlterTableStmt:
		return c.Altered()
	case *pgparse.Node_RenameStmt:
		return c.resolve(n.RenameStmt.Relation)
	case *pgparse.Node_IndexStmt:
		return c.resolve(n.IndexStmt.Relation)
	case *pgparse.Node_UpdateStmt:
		return c.resolve(n.UpdateStmt.Relation)
	}
	return nil
}

func (c *Change) resolve(rv *pgparse.RangeVar) *catalog.Relation {
	if rv == nil {
		return nil
	}
	r, _ := c.Before.Resolve(rv)
	return r
}

// name is the table's, for SQL: with its schema, unless that is public. A step is run by who runs the
// migrations, with the search path that those count on.
func name(r *catalog.Relation) string { return analysis.Table(r.Name) }

// typeName is a type for SQL: with its schema, for who writes may have another search path.
func typeName(t catalog.Type) string {
	if t.Name.Schema == "pg_catalog" {
		return t.Formal()
	}
	bare := t
	bare.Name = catalog.Name{Name: "x"}
	named := quote(t.Name.Name)
	if t.Name.Schema != "" {
		named = quote(t.Name.Schema) + "." + named
	}
	return named + strings.TrimPrefix(bare.String(), "x")
}

func quote(s string) string { return pgparse.QuoteIdent(s) }

// unique is a name for an object of the plan: no longer than a name may be, and its own.
func (r *Release) unique(name1, name2, label string) string {
	for i := 1; ; i++ {
		l := label
		if i > 1 {
			l = fmt.Sprintf("%s%d", label, i)
		}
		n := catalog.ObjectName(name1, name2, l)
		if !r.names[n] && r.Deployed.Lookup("", n) == nil {
			r.names[n] = true
			return n
		}
	}
}

// key names a column of a table.
func key(r *catalog.Relation, column string) string { return fmt.Sprintf("%d.%s", r.OID, column) }

// full names a column in what the proof is told: "public.t.c".
func full(t *catalog.Relation, column string) string {
	return t.Name.Qualified() + "." + column
}

// Fills notes that a backfill fills a column.
func (r *Release) fills(t *catalog.Relation, column string) { r.filled[key(t, column)] = true }

// checkPhase is when a condition on columns is added: behind the backfill that fills one of them,
// and when the deployed code is gone where that would, or might, break it.
func (c *Change) checkPhase(columns ...string) onward.PlanPhase {
	if c.breaks() {
		return onward.Contract
	}
	switch t := c.table(); {
	case t != nil && slices.ContainsFunc(columns, func(column string) bool { return c.Release.derived[key(t, column)] }):
		return onward.Contract
	case t != nil && c.Release.fillsAny(t, columns):
		return onward.Backfill
	}
	return onward.Expand
}

// breaks reports whether a change may break the deployed code.
func (c *Change) breaks() bool {
	return slices.ContainsFunc(c.Breaks, func(f onward.Finding) bool { return f.Severity >= onward.Warning })
}
