package transaction

import (
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/pgtime"
)

// isHarmlessSetting reports whether a value is what the server has by default, or what the
// runner gives the session: where a runner puts back what it has read.
func isHarmlessSetting(s analysis.Setting, r history.Runner) bool {
	v := strings.ToLower(s.Value)
	switch s.Name {
	case "search_path":
		return v == "public" || v == "$user, public"
	case "session_replication_role":
		return v == "origin"
	case "role":
		return v == "none"
	case "default_tablespace":
		return v == ""
	case "default_table_access_method":
		return v == "heap"
	}
	ms, ok := pgtime.Parse(v)
	switch {
	case !ok || !strings.HasSuffix(s.Name, "_timeout"):
		return false
	case ms == 0:
		return true
	}
	return s.Name == "lock_timeout" && ms == r.LockTimeout || s.Name == "statement_timeout" && ms == r.StatementTimeout
}
