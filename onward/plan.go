package onward

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// PlanSchema is the name and number of a plan's JSON.
const PlanSchema = "onward.plan/1"

// Plan is a release taken apart into steps that can be run while old code and new code
// work: nobody waits for longer than a lock's timeout, and neither breaks.
type Plan struct {
	Schema string `json:"schema"`
	// Base and Head name the two revisions.
	Base string `json:"base"`
	Head string `json:"head"`
	// Migrations are those that the plan takes the place of, in order.
	Migrations []PlannedMigration `json:"migrations"`
	// Catalog is a hash of the deployed schema, as far as the plan touches it: the plan
	// is for no other.
	Catalog string `json:"catalog"`
	// Steps are in the order in which they are run.
	Steps []PlanStep `json:"steps"`
	// Proof says what was tried on a server, and what came of it.
	Proof PlanProof `json:"proof"`
	// Notes say what to know before the plan is run.
	Notes []string `json:"notes,omitempty"`
	// Left are the changes of the release that no step makes, in order: the chains that they belong to could not be proven, or
	// were not chosen. The release's own tool runs them before the first contract step.
	Left []PlanLeft `json:"left,omitempty"`
	// LeftFiles are the migrations that were written for Left.
	LeftFiles []PlanFile `json:"left_files,omitempty"`
	// OtherDirs are the directories whose new migrations are for other databases than the plan: no step makes their changes.
	OtherDirs []string `json:"other_dirs,omitempty"`
	// Statements are what new code, or who operates it, is to send from now on: no step runs them.
	Statements []PlanStatement `json:"statements,omitempty"`
	// Name, Dir and Commit are there once migrations were written: the name of the plan's
	// file, where the migrations lie, and the id of the commit that is the base.
	Name   string `json:"name,omitempty"`
	Dir    string `json:"dir,omitempty"`
	Commit string `json:"commit,omitempty"`
	// Files are those that were written beside the steps' own.
	Files []PlanFile `json:"files,omitempty"`
	// Digest is a hash of the plan's values, without Name, Dir, Commit and the files: it finds an accidental change.
	// It is not a signature.
	Digest string `json:"digest,omitempty"`
}

// Contract is the index of the first step that the deployed code does not survive, or the number of steps if
// there is none.
func (p *Plan) Contract() int {
	if i := slices.IndexFunc(p.Steps, func(s PlanStep) bool { return s.Phase == Contract }); i >= 0 {
		return i
	}
	return len(p.Steps)
}

// RecordingStep is the step that records the migrations in their tool's table, as applied; nil if none does. A contract step does so when the plan
// begins: no step is before the new code.
func (p *Plan) RecordingStep() *PlanStep {
	if i := slices.IndexFunc(p.Steps, func(s PlanStep) bool { return s.Record != "" }); i >= 0 {
		return &p.Steps[i]
	}
	return nil
}

// CountChanges returns how many changes of the release are in proven chains, and how many the release has.
func (p *Plan) CountChanges() (proven, all int) {
	for _, g := range p.Proof.Groups {
		all += g.Changes
		if g.Proven {
			proven += g.Changes
		}
	}
	return proven, all + len(p.Left)
}

// ProvesSteps reports whether all steps are proven, although the plan may leave some changes.
func (p *Plan) ProvesSteps() bool {
	return len(p.Proof.Groups) > 0 && !slices.ContainsFunc(p.Proof.Groups, func(g PlanGroup) bool { return !g.Proven })
}

// MissingSteps returns what keeps the steps from being proven, without the reasons for what the plan leaves.
func (p *Plan) MissingSteps() (out []string) {
	for _, m := range p.Proof.Missing {
		if !slices.ContainsFunc(p.Left, func(l PlanLeft) bool { return slices.Contains(l.Why, m) }) {
			out = append(out, m)
		}
	}
	return out
}

// WrittenFiles returns all files that were written for the plan.
func (p *Plan) WrittenFiles() []PlanFile {
	out := slices.Concat(p.Files, p.LeftFiles)
	for i := range p.Steps {
		out = append(out, p.Steps[i].Files...)
	}
	return out
}

// PlanStatement is a statement that a plan recommends to the code that follows it.
type PlanStatement struct {
	// Name says what it is for, Text what it does and when; SQL has $1 for the values of a key.
	Name string `json:"name"`
	Text string `json:"text"`
	SQL  string `json:"sql"`
}

// Relations are the names of all that the plan touches, as "schema.name", but what is its own:
// those whose state Catalog is a hash of.
func (p *Plan) Relations() []string {
	var names []string
	for i := range p.Steps {
		for _, e := range p.Steps[i].Effects {
			if !strings.HasPrefix(e.Relation, PlanRoom+".") {
				names = append(names, e.Relation)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// PlanRoom is the schema for what a plan needs while it runs; its last step drops it.
const PlanRoom = "onward"

// PlanBatch is how many rows one run of a backfill passes at most, as a plan is written; see
// [PlanStep.Sized].
const PlanBatch = 1000

// Sized is the SQL of a backfill that passes another number of rows in a run.
func (s *PlanStep) Sized(rows int) string {
	return strings.ReplaceAll(s.SQL, fmt.Sprintf(" LIMIT %d)", PlanBatch), fmt.Sprintf(" LIMIT %d)", rows))
}

// PlannedMigration is a migration that a plan takes the place of.
type PlannedMigration struct {
	ID   string `json:"id"`
	Path string `json:"path"`
	// Hash is of what it does, where the steps do all of it.
	Hash string `json:"hash,omitempty"`
	// Guarded: its first statement fails while the plan is under way, so that its own tool changes nothing.
	Guarded bool `json:"guarded,omitempty"`
}

// PlanLeft is a change that a plan leaves to the migrations' own tool.
type PlanLeft struct {
	// Migration, Path and Line are its place.
	Migration string `json:"migration"`
	Path      string `json:"path"`
	Line      int    `json:"line"`
	// SQL is the change as a statement of its own; "" for code that is no SQL.
	SQL string `json:"sql,omitempty"`
	// Transaction is TransactionNone if it must not run inside a transaction.
	Transaction Transaction `json:"transaction"`
	// Chain is the name of the chain that it belongs to: what onward plan --only takes.
	Chain string `json:"chain"`
	// Why are the reasons, in sentences.
	Why []string `json:"why"`
}

// PlanLockTimeout is the lock_timeout that the steps of a plan set: others wait at most this long for a step
// that waits for its lock.
const PlanLockTimeout = 2 * time.Second

// PlanPhase is when a step is run, seen from the deploy of the code.
type PlanPhase string

// The phases, in order.
const (
	Expand   PlanPhase = "expand"   // before the new code comes
	Backfill PlanPhase = "backfill" // in the background, beside old and new code
	Contract PlanPhase = "contract" // in a later release, when the old code is gone
)

// StepClass is the kind of work that a step does. It decides how the step is run.
type StepClass string

// The classes.
const (
	StepDDL        StepClass = "ddl"        // an instant under a lock: short lock_timeout, and again
	StepValidate   StepClass = "validate"   // reads the table, and blocks neither reads nor writes
	StepConcurrent StepClass = "concurrent" // outside of a transaction, waits for others
	StepWork       StepClass = "work"       // as it was written: takes its locks for as long as there are rows
	StepBackfill   StepClass = "backfill"   // few rows at a time, again and again
)

// PlanStep is one of a plan.
type PlanStep struct {
	ID    string    `json:"id"`
	Phase PlanPhase `json:"phase"`
	// Release counts from 1: what contracts belongs to 2.
	Release int       `json:"release"`
	Class   StepClass `json:"class"`
	// SQL runs unchanged in psql, outside of a transaction unless it opens one.
	SQL string `json:"sql"`
	// Repeat: it is one statement that is run, and committed, again and again. The number
	// that it returns is how many rows it passed, and 0 at the end.
	Repeat bool `json:"repeat"`
	// Transaction is TransactionFile if SQL opens and commits a transaction, and TransactionNone if it must not run
	// inside one.
	Transaction Transaction `json:"transaction"`
	// Effects are what it does to other sessions, and Duration for how long, as
	// [Statement.Duration] has it.
	Effects  []Effect `json:"effects"`
	Duration string   `json:"duration,omitempty"`
	// Estimate is what a backfill or an index build costs at the sizes of the deployed database; nil if they are not known.
	Estimate *StepEstimate `json:"estimate,omitempty"`
	// CachedPlans are prepared statements that the server refuses after the step, once or until their connection is closed; nil
	// for none that are known.
	CachedPlans *CachedPlans `json:"cached_plans,omitempty"`
	// Why is the purpose of the step. Undo is the SQL that reverts it before anything was contracted; "" if there is
	// nothing to revert.
	Why  string `json:"why"`
	Undo string `json:"undo"`
	// StayChanged names the columns and tables whose rows stay changed after the step is undone: "users.note".
	StayChanged []string `json:"stay_changed,omitempty"`
	// Check is a query that finds rows which are not right yet: it must return none
	// before the step is run.
	Check string `json:"check,omitempty"`
	// Marks have a row if one has gone wrong since the check. They are emptied before the check, and must be empty at the commit.
	Marks []PlanMarks `json:"marks,omitempty"`
	// Requires is what must be true before it is run.
	Requires []Requirement `json:"requires"`
	// Migration is the ID of the migration that it comes from.
	Migration string `json:"migration"`
	// Begin is SQL that tells the migrations' own tool, in its table, that one was begun: it is run by the
	// step's transaction, and ahead of a step that has none.
	Begin string `json:"begin,omitempty"`
	// Record is SQL that tells the migrations' own tool, in its table, that they are applied: it is
	// run by the step's transaction. Unrecord is SQL that takes these rows out again when the plan is
	// taken back; it refuses if the table has later migrations.
	Record   string `json:"record,omitempty"`
	Unrecord string `json:"unrecord,omitempty"`
	// Backfill is how a backfill goes along its rows, and how they are compared afterwards.
	Backfill *PlannedBackfill `json:"backfill,omitempty"`
	// Replaces are the relations and columns whose place others take, from this step on or until it.
	Replaces []PlanReplacement `json:"replaces,omitempty"`
	// Bookkeeping: the step only creates or removes the plan's own state, such as the cursor of a backfill. Reports for
	// people leave it out.
	Bookkeeping bool `json:"bookkeeping,omitempty"`
	// Files are those that it was written to. ByHand says why the runner cannot carry it,
	// and Ran that it was run all the same.
	Files  []PlanFile `json:"files,omitempty"`
	ByHand string     `json:"by_hand,omitempty"`
	Ran    bool       `json:"ran,omitempty"`
}

// PlanMarks are the marks of a table's rows. Names are as SQL writes them.
type PlanMarks struct {
	// Marks is the table to which a trigger of Table adds a row for each one that is written wrong.
	Marks string `json:"marks"`
	Table string `json:"table"`
}

// PlannedBackfill is what a backfill works on. Names are as SQL writes them.
type PlannedBackfill struct {
	// Table is whose rows it goes along, and Keys are the columns that tell them apart, in the order of
	// an index.
	Table string   `json:"table"`
	Keys  []string `json:"keys"`
	// Work is the part of the step's SQL that does something to the rows of "batch", whose columns
	// onward_key1, onward_key2 … are their keys.
	Work string `json:"work"`
	// Triggers are the triggers of Table that keep concurrent writes right, from the first batch on.
	Triggers []string `json:"triggers,omitempty"`
	// Compare has the checks, after the backfill, that the rows have the expected values; empty if they cannot be
	// checked.
	Compare []PlanComparison `json:"compare"`
	// Failed is a condition on a row t of Table: its value cannot be converted, and the new column is NULL; "" if that cannot happen.
	Failed string `json:"failed,omitempty"`
	// Again is a block for the proof. It fails if a value of the new code, which writes to the old column up to the contract, is converted
	// to another one; "" if that cannot happen.
	Again string `json:"-"`
}

// PlanComparison checks whether the rows of a table have the expected values. Names are as SQL writes them.
type PlanComparison struct {
	Table string   `json:"table"`
	Keys  []string `json:"keys"`
	// Wrong is a condition on a row, which is called t: the row does not have the expected values.
	Wrong string `json:"wrong"`
	// Mend corrects such rows, as [PlannedBackfill].Work does; "" if the right values are not known.
	Mend string `json:"mend,omitempty"`
}

// PlanFile is a file that a step was written to.
type PlanFile struct {
	// Path is relative to the repository's root.
	Path string `json:"path"`
	// SHA256 is the hash of its content, in hex.
	SHA256 string `json:"sha256"`
}

// RequirementKind is a kind of dependency of a step.
type RequirementKind string

// The kinds of requirements.
const (
	RequiresStep  RequirementKind = "step"         // another step is done
	RequiresGone  RequirementKind = "release-gone" // no process of the deployed code is left
	RequiresCheck RequirementKind = "check"        // the step's own check finds no row
	// RequiresVerified: the rows of a backfill, another step, were compared and found right.
	RequiresVerified RequirementKind = "verified"
)

// Requirement is what must be true before a step is run.
type Requirement struct {
	Kind RequirementKind `json:"kind"`
	// Step is the ID of the other step.
	Step string `json:"step,omitempty"`
	// Text says it in a sentence.
	Text string `json:"text"`
}

// PlanProof says what of a plan was tried.
type PlanProof struct {
	// Proven: all checks were made, and passed, and nothing is missing or left.
	Proven bool        `json:"proven"`
	Checks []PlanCheck `json:"checks"`
	// Rows says why only the schemas were compared, and no rows; empty if rows were compared, too, or nothing was tried.
	Rows string `json:"rows,omitempty"`
	// Missing says what keeps the plan from being proven, in sentences.
	Missing []string `json:"missing"`
	// Groups are the plan's chains, in the order of their first changes. A step without a group was not tried.
	Groups []PlanGroup `json:"groups,omitempty"`
	// Settings are the values under which the plan was tried of the settings that say how values become text, and text
	// values. The database and its role give them. Empty if no database was given.
	Settings []PlanSetting `json:"settings,omitempty"`
}

// PlanSetting is a setting of a session, by its name in lower case, with its value.
type PlanSetting struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// PlanGroup is a chain: changes that depend on each other, with the steps that make them.
type PlanGroup struct {
	// Name is what the first change is about: "users.email". Changes is the number of changes.
	Name    string `json:"name,omitempty"`
	Changes int    `json:"changes,omitempty"`
	// Steps are their IDs.
	Steps []string `json:"steps"`
	// Proven: all checks of these steps were made, and passed.
	Proven bool `json:"proven"`
}

// PlanCheck is one thing that was tried.
type PlanCheck struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail,omitempty"`
}
