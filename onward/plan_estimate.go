package onward

// StepEstimate is what a step of a plan costs on the deployed database, computed from the sizes of its tables. All
// numbers are rough: docs/stats.md has the formulas.
type StepEstimate struct {
	// Rows is the number of rows that the step goes along, and Runs the number of batches of a backfill.
	Rows int64 `json:"rows"`
	Runs int64 `json:"runs,omitempty"`
	// RowsPerSecond is the rate of a backfill, with its pauses.
	RowsPerSecond int64 `json:"rows_per_second,omitempty"`
	// MS is how long the step takes, in milliseconds, with the pauses of onward apply, and WALBytes how much WAL it writes, if the
	// entries of all indexes come in the order of the backfill's key. MaxMS and MaxWALBytes are for entries that come in
	// no order: then nearly each of them reads and writes a full page.
	MS          int64 `json:"ms"`
	MaxMS       int64 `json:"max_ms,omitempty"`
	WALBytes    int64 `json:"wal_bytes,omitempty"`
	MaxWALBytes int64 `json:"max_wal_bytes,omitempty"`
	// DiskBytes is by how much the table and its indexes grow if autovacuum frees dead rows as often as its threshold asks
	// for. MaxDiskBytes is for a vacuum that frees none. TempBytes are temporary files, while an index is sorted.
	DiskBytes    int64 `json:"disk_bytes,omitempty"`
	MaxDiskBytes int64 `json:"max_disk_bytes,omitempty"`
	TempBytes    int64 `json:"temp_bytes,omitempty"`
	// Vacuum is what autovacuum does meanwhile; nil if the step leaves no dead rows.
	Vacuum *VacuumEstimate `json:"vacuum,omitempty"`
}

// VacuumEstimate is what autovacuum does while a step runs.
type VacuumEstimate struct {
	// DeadRows is how many dead rows the step leaves.
	DeadRows int64 `json:"dead_rows"`
	// Off: autovacuum is off for the server or the table.
	Off bool `json:"off,omitempty"`
	// Assumed: the settings of autovacuum are not known, so the defaults count.
	Assumed bool `json:"assumed,omitempty"`
	// Threshold is the number of dead rows from which autovacuum works on the table, FirstMS is after which time of the step
	// it is reached, and Runs is how often.
	Threshold int64 `json:"threshold,omitempty"`
	FirstMS   int64 `json:"first_ms,omitempty"`
	Runs      int64 `json:"runs,omitempty"`
	// ReadBytes is what each run reads: the pages with dead rows, and all indexes.
	ReadBytes int64 `json:"read_bytes,omitempty"`
}

// PlanReplacement is a relation or a column that takes the place of another one. A database may know more of the old
// one than the plan does: privileges, comments, settings. Whoever runs the step gives them to the new one.
type PlanReplacement struct {
	Kind ReplacementKind `json:"kind"`
	// Old and New are the relations, as SQL writes them. Of a column both are its table.
	Old string `json:"old"`
	New string `json:"new"`
	// OldColumn and NewColumn are the names of columns, without quotes.
	OldColumn string `json:"old_column,omitempty"`
	NewColumn string `json:"new_column,omitempty"`
	// Sets are the properties that the release itself changes, so that nobody takes them from the old one: "owner",
	// "comment", "settings", "default", "SELECT to reporting". [CommentOn] is before a column of a table, as are "storage of "
	// and "compression of ".
	Sets []string `json:"sets,omitempty"`
	// Known is what was on the old relation when the plan was made: "trigger t", "view sales.v", "index users_email_idx".
	Known []string `json:"known,omitempty"`
}

// CommentOn is before the name of a column whose comment the release changes, in [PlanReplacement.Sets], and before "index i", "constraint c",
// "trigger t", "statistics s".
const CommentOn = "comment on "

// FormOf is before the name of an index or a constraint that the release itself drops, makes or alters, in [PlanReplacement.Sets].
const FormOf = "form of "

// ReplacementKind says what takes the place of something.
type ReplacementKind string

// The kinds of replacements.
const (
	ReplacementView   ReplacementKind = "view"   // under the old name of a renamed table
	ReplacementColumn ReplacementKind = "column" // of the same table
	ReplacementTable  ReplacementKind = "table"
)

// CachedPlans says which prepared statements a server refuses after a step of a plan: "cached plan must not change result
// type" (SQLSTATE 0A000). They are right again as soon as they are prepared again.
type CachedPlans struct {
	// Columns have another type or collation after the step: "orders.id". Statements that return them are refused.
	Columns []string `json:"columns,omitempty"`
	// Queries are queries of the code that a server found to return other columns after the step, such as SELECT *.
	Queries []string `json:"queries,omitempty"`
}
