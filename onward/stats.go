package onward

// StatsSchema is the name and number of the format of stored sizes.
const StatsSchema = "onward.stats/1"

// Stats is how big a database is and how busy: sizes, counts and rates, no
// row, no value, no name of a host or a user. Within one schema number fields
// are added but never renamed, removed or given another meaning.
type Stats struct {
	Schema string `json:"schema"`
	// Taken is when, in UTC: 2026-03-01T12:00:00Z.
	Taken string `json:"taken"`
	// Postgres is the server's version: "17.5"; Major its major version.
	Postgres string `json:"postgres"`
	Major    int    `json:"major"`
	// Settings are the settings of a session of this role, with their units: "lock_timeout": "5000ms".
	Settings map[string]string `json:"settings"`
	// CountedSeconds is for how long the server has counted writes and scans;
	// 0: not known.
	CountedSeconds int64           `json:"counted_seconds"`
	Relations      []RelationStats `json:"relations"`
}

// RelationStats is a table, a partitioned table or a materialised view. A
// partitioned table holds nothing itself: its partitions do.
type RelationStats struct {
	// Name is schema-qualified, unquoted: "public.users".
	Name string `json:"name"`
	// Kind is "table", "partitioned table" or "materialized view".
	Kind string `json:"kind"`
	// Parent is the partitioned table that it is a partition of.
	Parent string `json:"parent,omitempty"`
	// Rows is the planner's estimate; -1: the table was never analysed.
	Rows int64 `json:"rows"`
	// HeapBytes is the table's own file, ToastBytes what is kept beside it.
	HeapBytes  int64        `json:"heap_bytes"`
	ToastBytes int64        `json:"toast_bytes"`
	Indexes    []IndexStats `json:"indexes"`
	// Options are the table's storage parameters for autovacuum, and its fillfactor.
	Options map[string]string `json:"options,omitempty"`
	// Counts since the counters began: rows written, scans of the whole
	// table, scans through an index.
	Inserted   int64 `json:"inserted"`
	Updated    int64 `json:"updated"`
	Deleted    int64 `json:"deleted"`
	SeqScans   int64 `json:"seq_scans"`
	IndexScans int64 `json:"index_scans"`
	// WritesPerSecond and ScansPerSecond are the same as rates; 0 when it is
	// not known for how long was counted.
	WritesPerSecond float64 `json:"writes_per_second"`
	ScansPerSecond  float64 `json:"scans_per_second"`
}

// IndexStats is an index.
type IndexStats struct {
	Name  string `json:"name"`
	Bytes int64  `json:"bytes"`
	Scans int64  `json:"scans"`
}
