package recipe

import (
	"fmt"
	"slices"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/outside"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// Change is one change of a migration: a statement, or one command of an ALTER TABLE.
type Change struct {
	*rule.Stmt
	// Command is nil if the change is the whole statement.
	Command *pgparse.AlterTableCmd
	// Text is the command, or the statement, as written.
	Text string
	// Release is the release that the change is part of.
	Release *Release
	// Breaks are the findings that the change may break deployed code. Locks are the findings that it
	// makes others wait. Rows are the findings that it writes many rows in one transaction. Copies are the findings
	// that it copies rows once while the deployed code writes others. Renames are those that it writes a value which the deployed code does not know.
	Breaks, Locks, Rows, Copies, Renames []onward.Finding
}

// Release is the subject of a plan, with the decisions that its recipes have made so far.
type Release struct {
	// Deployed is the schema of the base.
	Deployed *catalog.Catalog
	// Versions are the major versions that the plan is for.
	Versions []int
	// filled are columns that a backfill fills. Conditions on them are checked after the backfill.
	filled map[string]bool
	// copied are tables of the release that a step fills, in one statement, with the phase of the step.
	copied map[catalog.OID]onward.PlanPhase
	// derived are columns whose values are computed from what the deployed code writes. A condition on them may refuse its writes.
	derived map[string]bool
	names   map[string]bool // the names that uniqueName has given
	// changes are all changes of the release. head is the schema after them.
	changes []*Change
	head    *catalog.Catalog
	// changedForms are kept by listChangedForms; recreations are things that the release drops and creates again.
	changedForms map[string][]string
	recreations  recreations
	// columnChanges hold the changes of each column; columnOrder lists them by the first change.
	columnChanges map[columnID]*columnChange
	columnOrder   []*columnChange
	// followed are the statements whose new columns a trigger keeps in step with the row.
	followed map[*Change]*followedColumns
	// mirrored are the statements whose copies triggers keep in step. removals are the changes that remove or hide rows, by the deployed table.
	mirrored map[*Change]bool
	removals map[catalog.OID]*Change
	// delayedBodies are the functions and views that are replaced after a backfill.
	delayedBodies map[string]bool
	// enums are those that the release makes again with other values.
	enums []*replacedEnum
	// shadows are tables that replace others.
	shadows []*shadowTable
	// Volatile are columns whose values differ each time they are computed: "public.t.c".
	Volatile map[string]bool
	// Deprecated maps table.column to the deprecation in the settings, written as in a comment.
	Deprecated map[string]string
	// Unwritten returns the evidence that the new code never writes a column of a table;
	// "" if it may. If it is nil, nothing is known.
	Unwritten func(table *catalog.Relation, column string) string
	// Writer returns a query of the deployed code that writes a column of a table; "" if none is known. If it is nil, nothing is known.
	Writer func(table *catalog.Relation, column string) string
	// SoftDelete maps tables to the column that marks deleted rows, from the settings.
	SoftDelete map[string]string
	// Adopted are the columns for soft deletion that the release adds. Beyond are statements for
	// objects that the plan creates in addition to the release's schema, because a column's comment
	// asks for them.
	Adopted []Adopted
	Beyond  []string
	// Filled are columns that the plan fills and the migrations do not: "public.t.c".
	Filled map[string]bool
	// Changed are columns whose old values cannot be restored, and sequences: "public.t.c", "public.t_c_seq".
	Changed map[string]bool
	// Keeps reports whether the plan stores data in [Schema].
	Keeps bool
	// Kept are types that cannot be restored: "TYPE public.t", and columns with a type that stays; see [KeptColumn].
	Kept map[string]bool
}

// NewRelease begins a plan.
func NewRelease(deployed *catalog.Catalog, versions []int) *Release {
	return &Release{
		Deployed:      deployed,
		Versions:      versions,
		filled:        map[string]bool{},
		copied:        map[catalog.OID]onward.PlanPhase{},
		derived:       map[string]bool{},
		names:         map[string]bool{},
		mirrored:      map[*Change]bool{},
		delayedBodies: map[string]bool{},
		removals:      map[catalog.OID]*Change{},
		columnChanges: map[columnID]*columnChange{},
		Filled:        map[string]bool{},
		Volatile:      map[string]bool{},
		Changed:       map[string]bool{},
		Kept:          map[string]bool{},
	}
}

// Step is one of the steps that replace a change.
type Step struct {
	Phase onward.PlanPhase
	Class onward.StepClass
	// SQL are its statements, without semicolons. The statements of StepDDL and StepValidate run in
	// one transaction; other classes have a single statement.
	SQL []string
	Why string
	// Undo are the statements that undo it.
	Undo []string
	// Check finds rows that are not correct yet. Marks name the rows that go wrong after it.
	Check string
	Marks []onward.PlanMarks
	// Backfill says how a backfill visits its rows, and how they are compared.
	Backfill *onward.PlannedBackfill
	// AfterBackfills are the backfills whose rows must have been compared and found correct before the step.
	AfterBackfills []*onward.PlannedBackfill
	// Replaces are the relations and columns that are replaced from this step on, or until it.
	Replaces []onward.PlanReplacement
	// From is the change that the step belongs to.
	From *Change
	// Alone: a step of StepWork runs outside a transaction.
	Alone bool
	// Joins: it may share a transaction with such a step before it, from the same statement.
	Joins bool
	// Cascades are tables whose rows change, too, because foreign keys refer to deleted rows.
	Cascades []string
	// Bookkeeping: the step only creates or removes the plan's own state.
	Bookkeeping bool
	// Judged: the step is the unchanged change, and no finding says that it makes others wait, even
	// considering the known sizes.
	Judged bool
}

// Adopted is a column that marks deleted rows of a table from this release on.
type Adopted struct{ Table, Column string }

// Steps is a recipe's result for a change.
type Steps struct {
	Steps []Step
	// Missing are reasons why the plan cannot be proven. Notes are what its user should know.
	Missing, Notes []string
	// Says are statements that only the new code or its operators run.
	Says []onward.PlanStatement
}

func (m *Steps) addStatement(name, text, sql string) {
	m.Says = append(m.Says, onward.PlanStatement{Name: name, Text: text, SQL: sql})
}

func (m *Steps) addMissing(format string, args ...any) {
	m.Missing = append(m.Missing, fmt.Sprintf(format, args...))
}

func (m *Steps) addNote(format string, args ...any) {
	m.Notes = append(m.Notes, fmt.Sprintf(format, args...))
}

func (m *Steps) addStep(phase onward.PlanPhase, class onward.StepClass, reason string, sql ...string) *Step {
	m.Steps = append(m.Steps, Step{Phase: phase, Class: class, Why: reason, SQL: sql})
	return &m.Steps[len(m.Steps)-1]
}

// Recipe is the safe form of one kind of change.
type Recipe struct {
	// Name is the recipe's name and its file's name: "column-rename".
	Name string
	// Make returns the steps that replace a change; nil if the recipe does not apply to it.
	Make func(c *Change) *Steps
}

// Recipes are all recipes. The first that applies to a change makes its steps.
var Recipes = []*Recipe{
	viewRemade,
	columnGenerated, columnAdd, columnRename, columnType, columnDrop, columnNotNull, columnDefault,
	partitionKey, constraintReplace, constraintCheck, constraintForeignKey, partitionUnique, constraintKey, constraintIndex,
	constraintUnique, constraintExclude, constraintDrop,
	partitionIndex, indexCreate, indexDrop, reindex, tableRepack, triggerReplace, functionReplace, tableRename, tableDrop,
	tableCopyRecipe, columnFollowed, rowsUpdate, rowsBatched, rowsComputed, rowsListed,
	enumValue, partitionDetach, partitionAttach,
}

// PlanChange returns the steps of a change: those of its recipe, or the change itself. They set the privileges on what they create.
func PlanChange(c *Change) *Steps { return c.delayRemoval(chooseSteps(c)).setPrivileges(c.Release) }

// chooseSteps returns the steps of the first recipe that applies to a change.
func chooseSteps(c *Change) *Steps {
	if r := c.Result.Refused; r != nil {
		m := keepUnchanged(c)
		m.addMissing("%s:%d is refused by the server: %s", c.Migration.Path, c.Line, r.Message())
		return m
	}
	if c.Release.recreations.temporary[c] {
		return &Steps{}
	}
	if done := c.explainNoop(); done != "" {
		m := &Steps{}
		m.addNote("%s:%d changes nothing and has no step: %s", c.Migration.Path, c.Line, done)
		return m
	}
	if s := c.Release.shadowOf(c); s != nil {
		if m := s.absorbChange(c); m != nil {
			return m
		}
	}
	if c.isNewTable() || c.mayAlterNothing() {
		return c.reportLostWrites(keepUnchanged(c))
	}
	if m := c.Release.absorbEnumChange(c); m != nil {
		return m
	}
	if m := c.absorbedSteps(); m != nil {
		return m
	}
	for _, r := range Recipes {
		switch m := r.Make(c); {
		case m == nil:
		case r == tableCopyRecipe || r == columnFollowed: // their triggers follow the deployed code
			c.Release.mirrored[c] = len(m.Missing) == 0
			return m
		default:
			return c.reportLostWrites(m)
		}
	}
	return c.reportLostWrites(keepUnchanged(c))
}

// keepUnchanged returns a change unchanged, because it is safe, or because it has no safe form.
func keepUnchanged(c *Change) *Steps {
	m := &Steps{}
	class := onward.StepDDL
	sql := c.Text
	switch {
	case c.Result.NoTransaction != "":
		class = onward.StepConcurrent
	case c.Command != nil:
		sql = c.AlterTable() + " " + c.plannedText()
		if c.Command.Subtype == pgparse.AlterTableType_AT_ValidateConstraint {
			class = onward.StepValidate
		}
	}
	reason := "run the statement unchanged: it is safe"
	if c.blocksOthers() {
		reason = "run the statement unchanged: others wait for it"
	}
	node := c.Node
	if c.Command != nil {
		node = &pgparse.Node{Node: &pgparse.Node_AlterTableCmd{AlterTableCmd: c.Command}}
	}
	if len(outside.Role{}.ListReach(node)) > 0 { // apply runs such a statement only in this class
		class = onward.StepWork
	}
	phase := c.phaseOfBody(m, c.checkPhase(""))
	if name := c.writesSystemCatalog(); name != "" {
		m.addMissing("%s:%d writes the system catalog %s, which is only safe if nobody sees it before the migration ends: steps commit one by one", c.Migration.Path,
			c.Line, name)
	}
	if c.verb() != "" {
		if c.writesManyRows() { // apply sets no limit on the time of this class
			class, reason = onward.StepWork, "run the statement unchanged: it writes many rows in one transaction"
			m.addMissing("%s:%d writes many rows of %s in one transaction, and no recipe splits it: write it in batches that commit, outside the migration, "+
				"or list %[3]s in small_tables if it is small", c.Migration.Path, c.Line, c.writtenTable().Name)
		} else if c.copiesRows() {
			class = onward.StepWork
		}
	}
	if (c.Node.GetSelectStmt() != nil || c.Node.GetMergeStmt() != nil) && len(c.Rows) > 0 {
		class, reason = onward.StepWork, "run the statement unchanged: it writes many rows in one transaction"
		m.addMissing("%s:%d writes many rows in one transaction, and no recipe splits it: write it in batches that commit, outside the migration", c.Migration.Path, c.Line)
	}
	if phase != onward.Contract && c.readsRows() {
		phase = c.phaseAfterFills(phase)
	}
	if c.isNewTable() && c.Release.createsInContract(c.changedTable()) {
		phase = onward.Contract
	}
	s := m.addStep(phase, class, reason, sql)
	s.Undo, s.Judged, s.Alone = c.undoStatements(), !c.blocksOthers(), c.Result.NoTransaction != ""
	if c.changesCreatedTable() {
		s.Undo = nil // the undo of CREATE TABLE drops the table
	}
	s.Cascades = c.recordRowEffects()
	return m
}

// blocksOthers reports whether a change makes others wait for a time that grows with a table.
func (c *Change) blocksOthers() bool {
	return slices.ContainsFunc(c.Locks, func(f onward.Finding) bool { return f.Severity == onward.Error })
}

// isNewTable reports whether a change is about a table that the release created, and that nobody uses yet.
func (c *Change) isNewTable() bool {
	rel := c.changedTable()
	return rel != nil && rel.OID != 0 && c.Before.CreatedSince(c.Release.Deployed, rel.OID)
}

// changedTable returns the table that the change is about, as it is before; nil if it is about no table.
func (c *Change) changedTable() *catalog.Relation {
	switch n := c.Node.GetNode().(type) {
	case *pgparse.Node_AlterTableStmt:
		return c.AlteredRelation()
	case *pgparse.Node_RenameStmt:
		return c.resolveRelation(n.RenameStmt.Relation)
	case *pgparse.Node_IndexStmt:
		return c.resolveRelation(n.IndexStmt.Relation)
	case *pgparse.Node_UpdateStmt:
		return c.resolveRelation(n.UpdateStmt.Relation)
	}
	return nil
}

// createsInContract reports whether a new table is created after the deploy, because a foreign key of it may break the deployed code.
func (r *Release) createsInContract(t *catalog.Relation) bool {
	return slices.ContainsFunc(r.changes, func(c *Change) bool {
		return c.Node.GetCreateStmt() != nil && c.breaksDeployed() && slices.ContainsFunc(c.Deltas, func(d catalog.Delta) bool {
			return d.Kind == catalog.RelationCreated && d.OID == t.OID
		})
	})
}

func (c *Change) resolveRelation(rv *pgparse.RangeVar) *catalog.Relation {
	if rv == nil {
		return nil
	}
	r, _ := c.Before.Resolve(rv)
	return r
}

// tableName returns the name of a table for SQL, with its schema unless that is public. Steps are run by
// the role that runs the migrations, with its search path.
func tableName(r *catalog.Relation) string { return analysis.QuoteTable(r.Name) }

// typeName returns a type for SQL, with its schema, since writers may have another search path.
func typeName(t catalog.Type) string {
	if t.Name.Schema == "pg_catalog" {
		return t.FormatFull()
	}
	name := quoteIdent(t.Name.Name)
	if t.Name.Schema != "" {
		name = quoteIdent(t.Name.Schema) + "." + name
	}
	return name + t.FormatModifiers()
}

func quoteIdent(s string) string { return pgparse.QuoteIdent(s) }

// uniqueName returns an unused name for an object of the plan, within the length limit of names.
func (r *Release) uniqueName(name1, name2, label string) string {
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

// columnKey identifies a column of a table in maps.
func columnKey(r *catalog.Relation, column string) string { return fmt.Sprintf("%d.%s", r.OID, column) }

// qualifiedColumn returns the name of a column as the proof expects it: "public.t.c".
func qualifiedColumn(t *catalog.Relation, column string) string {
	return t.Name.Qualified() + "." + column
}

// Fills records that a backfill fills a column.
func (r *Release) markFilled(t *catalog.Relation, column string) {
	r.filled[columnKey(t, column)] = true
}
