package rule

import "strings"

// refusals are messages with which the server refuses a statement and that a
// rule of their own explains: it knows the way out.
var refusals = []struct{ message, rule string }{
	{"cannot add NOT VALID foreign key on partitioned table", "constraint-foreign-key-not-valid-partitioned"},
	{"is a partial index", "constraint-using-index-unsuitable"},
	{"is not a unique index", "constraint-using-index-unsuitable"},
	{"contains expressions", "constraint-using-index-unsuitable"},
	{"does not have default sorting behavior", "constraint-using-index-unsuitable"},
	{"is already associated with a constraint", "constraint-using-index-unsuitable"},
	{"is not valid", "constraint-using-index-unsuitable"},
	{"cannot create index on partitioned table", "index-concurrent-partitioned"},
	{"cannot drop partitioned index", "index-drop-concurrently-unsupported"},
	{"DROP INDEX CONCURRENTLY does not support", "index-drop-concurrently-unsupported"},
	{"cannot detach partitions concurrently", "partition-detach-concurrently-unsupported"},
	{"does not have a replica identity and publishes", "publication-identity-missing"},
	{"cannot refresh materialized view", "view-refresh-concurrently-unsupported"},
}

// RefusedRule names the rule that explains the server's refusal of the
// statement; "" when the server does not refuse it, or nothing but its message
// is known. The general rule leaves these refusals alone.
func (s *Stmt) RefusedRule() string {
	if s.Result.Refused == "" {
		if len(s.Problems) > 0 && s.Problems[0].Replaced != nil {
			return "function-replace-refused"
		}
		return ""
	}
	for _, r := range refusals {
		if strings.Contains(s.Result.Refused, r.message) {
			return r.rule
		}
	}
	return ""
}

// Optional reports whether a statement may be skipped, or its failure caught:
// it stands in a DO block, under a condition or beside a handler.
func (s *Stmt) Optional() bool {
	if s.Conditional || s.Loop {
		return true
	}
	return s.Parent >= 0 && IndexWord(strings.ReplaceAll(s.Migration.Statements[s.Parent].SQL, "$", " "), "EXCEPTION") >= 0
}
