package onward

// GuardedSchema is the name and number of the JSON of a command that was guarded.
const GuardedSchema = "onward.guarded/1"

// Guarded is the result of onward guard, which runs a migration command through a proxy between it and the server.
type Guarded struct {
	Schema string `json:"schema"`
	// ExitCode is the command's, of its last run; 128 and more for a signal, as shells have it.
	ExitCode int `json:"exit_code"`
	// Runs are the runs of the command, in order. It runs again if it lost a lock race.
	Runs []GuardedRun `json:"runs"`
	// Why is the reason why the command did not run again although it lost a lock race; "" if it did.
	Why string `json:"why,omitempty"`
	// Notes are what else there is to know.
	Notes []string `json:"notes,omitempty"`
}

// GuardedRun is one run of the command.
type GuardedRun struct {
	ExitCode int `json:"exit_code"`
	// Sessions and Statements are how many came through the proxy.
	Sessions   int   `json:"sessions"`
	Statements int   `json:"statements"`
	TookMS     int64 `json:"took_ms"`
	// LockTimeoutMS is the lock_timeout that its sessions began with.
	LockTimeoutMS int64 `json:"lock_timeout_ms"`
	// Committed: something that it wrote was committed, or may have been.
	Committed bool `json:"committed"`
	// Waited are the times for which a statement was held back, because of others.
	Waited []GuardedWait `json:"waited,omitempty"`
	// Lost are the statements that were given up: the lock was not granted in time, there was a deadlock, or others
	// waited too long.
	Lost []GuardedLoss `json:"lost,omitempty"`
	// Around are sessions that are proven to be the command's and did not come through the guard. The command was
	// ended because of them.
	Around []GuardedSession `json:"around,omitempty"`
	// Behind is the longest queue that waited for a session of the command.
	Behind *GuardedQueue `json:"behind,omitempty"`
}

// GuardedWait is a time for which a statement was held back.
type GuardedWait struct {
	// Statement names it without any value: "ALTER TABLE on public.users".
	Statement string `json:"statement"`
	TookMS    int64  `json:"took_ms"`
	// InTheWay are those that it was held back for, in sentences.
	InTheWay []string `json:"in_the_way"`
	// Passed: it was passed on although they were still there.
	Passed bool `json:"passed,omitempty"`
}

// GuardedLoss is a statement that was given up.
type GuardedLoss struct {
	Statement string `json:"statement"`
	SQLSTATE  string `json:"sqlstate"`
	Message   string `json:"message"`
	// Blockers are those that held what it wanted, in sentences.
	Blockers []string `json:"blockers,omitempty"`
}

// GuardedSession is a session of the command around the guard.
type GuardedSession struct {
	// PID is the server's process, Process the command's.
	PID     int `json:"pid"`
	Process int `json:"process"`
	// Client is the address that both sides have for the session; "" for a Unix socket.
	Client string `json:"client,omitempty"`
	// Ended: the session went on after the command's end, and was ended.
	Ended bool `json:"ended,omitempty"`
}

// GuardedQueue is a lock queue that a session of the command caused.
type GuardedQueue struct {
	// Most is how many waited at once, LongestMS for how long the first of them had.
	Most      int   `json:"most"`
	LongestMS int64 `json:"longest_ms"`
}
