package refusal

import (
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
)

// Options of statements in parentheses, with the first version that has them
// (0: all).

var vacuumOptions = map[string]int{
	"full": 0, "freeze": 0, "verbose": 0, "analyze": 0, "disable_page_skipping": 0, "skip_locked": 0, "index_cleanup": 0,
	"truncate": 0, "parallel": 0, "process_toast": 14, "process_main": 16, "buffer_usage_limit": 16,
	"only_database_stats": 16, "skip_database_stats": 16,
}

var analyzeOptions = map[string]int{"verbose": 0, "skip_locked": 0, "buffer_usage_limit": 16}

var copyOptions = map[string]int{
	"format": 0, "freeze": 0, "delimiter": 0, "null": 0, "header": 0, "quote": 0, "escape": 0, "force_quote": 0,
	"force_not_null": 0, "force_null": 0, "encoding": 0, "convert_selectively": 0, "default": 16, "on_error": 17,
	"log_verbosity": 17, "reject_limit": 18, "force_array": 19,
}

var publicationOptions = map[string]int{"publish": 0, "publish_via_partition_root": 0, "publish_generated_columns": 18, pgparse.SequencesOption: 0}

// subscriptionOptions and explainOptions have those that not all versions have. An extension may bring further ones for EXPLAIN.
var (
	subscriptionOptions = map[string]int{
		"binary": 14, "streaming": 14, "two_phase": 15, "disable_on_error": 15, "password_required": 16, "run_as_owner": 16, "origin": 16, "failover": 17,
		"retain_dead_tuples": 19, "max_retention_duration": 19, "wal_receiver_timeout": 19,
	}
	explainOptions = map[string]int{"generic_plan": 16, "serialize": 17, "memory": 17, "io": 19}
)

// refuseLaterOption refuses the first option that a later version has brought.
func (q *Checker) refuseLaterOption(options []*pgparse.Node, since map[string]int, refuse func(name string)) bool {
	for _, o := range options {
		if name := o.GetDefElem().GetDefname(); since[name] > 0 && !q.V.AtLeast(since[name]) {
			refuse(name)
			return false
		}
	}
	return true
}

// checkSubscriptionOptions refuses parameters that the version's subscriptions do not have.
func (q *Checker) checkSubscriptionOptions(options []*pgparse.Node) {
	q.refuseLaterOption(options, subscriptionOptions, func(name string) { q.RecordRefusal(pgerror.SubscriptionOption, name) })
}

// findNewerOption returns the first option that the version does not have; "" for none.
func (q *Checker) findNewerOption(options []*pgparse.Node, known map[string]int) string {
	for _, o := range options {
		name := o.GetDefElem().GetDefname()
		if since, exists := known[name]; !exists || since > 0 && !q.V.AtLeast(since) {
			return name
		}
	}
	return ""
}

// checkVacuumOptions refuses options of VACUUM and ANALYZE that are not there, or do not
// go together.
func (q *Checker) checkVacuumOptions(s *pgparse.VacuumStmt) bool {
	word, known := "ANALYZE", analyzeOptions
	if s.GetIsVacuumcmd() {
		word, known = "VACUUM", vacuumOptions
	}
	if name := q.findNewerOption(s.GetOptions(), known); name != "" {
		q.RecordRefusal(pgerror.OptionUnknown, word, name)
		return false
	}
	if !s.GetIsVacuumcmd() {
		return true
	}
	for _, o := range s.GetOptions() {
		if d := o.GetDefElem(); d.GetDefname() == "parallel" && d.GetArg().GetInteger().GetIval() > 0 && pgparse.BoolOption(s.GetOptions(), "full", false) {
			q.RecordRefusal(pgerror.VacuumFullParallel)
			return false
		}
	}
	for _, n := range s.GetRels() {
		if len(n.GetVacuumRelation().GetVaCols()) > 0 && !pgparse.BoolOption(s.GetOptions(), "analyze", false) {
			q.RecordRefusal(pgerror.AnalyzeColumns)
			return false
		}
	}
	return true
}

// checkAnalyzedColumns refuses a column to analyse that the relation does not have.
func (q *Checker) checkAnalyzedColumns(rel *catalog.Relation, columns []*pgparse.Node) bool {
	for _, n := range columns {
		if rel.Column(pgparse.StringText(n)) == nil && q.IsFullyKnown(rel) && rel.Kind.IsTable() {
			q.RecordRefusal(pgerror.ColumnMissing, pgparse.StringText(n), rel.Name.Name)
			return false
		}
	}
	return true
}

// checkCopyOptions refuses options that the version's COPY does not have.
func (q *Checker) checkCopyOptions(s *pgparse.CopyStmt) bool {
	if name := q.findNewerOption(s.GetOptions(), copyOptions); name != "" {
		q.RecordRefusal(pgerror.OptionNot, name)
		return false
	}
	for _, o := range s.GetOptions() {
		switch d := o.GetDefElem(); d.GetDefname() {
		case "header":
			if strings.EqualFold(pgparse.StringText(d.GetArg()), "match") && !q.V.AtLeast(15) {
				q.RecordRefusal(pgerror.CopyHeader)
				return false
			}
			if d.GetArg().GetInteger().GetIval() > 1 && !q.V.AtLeast(19) { // so many lines
				kind := pgerror.CopyHeaderLines
				if !q.V.AtLeast(15) {
					kind = pgerror.CopyHeader
				}
				q.RecordRefusal(kind)
				return false
			}
		case "on_error":
			if value := pgparse.StringText(d.GetArg()); strings.EqualFold(value, "set_null") && !q.V.AtLeast(19) {
				q.RecordRefusal(pgerror.CopyOnError, value)
				return false
			}
		case "force_null", "force_not_null":
			if d.GetArg().GetAStar() != nil && !q.V.AtLeast(17) {
				q.RecordRefusal(pgerror.CopyListWanted, d.GetDefname())
				return false
			}
		}
	}
	return true
}

// checkPublicationOptions refuses parameters that the version's publications do not have.
func (q *Checker) checkPublicationOptions(options []*pgparse.Node) bool {
	name := q.findNewerOption(options, publicationOptions)
	if name != "" {
		q.RecordRefusal(pgerror.PublicationParameter, name)
	}
	return name == ""
}

// checkReindexOptions refuses what the version's REINDEX cannot read.
func (q *Checker) checkReindexOptions(s *pgparse.ReindexStmt) bool {
	database := s.GetKind() == pgparse.ReindexObjectType_REINDEX_OBJECT_DATABASE || s.GetKind() == pgparse.ReindexObjectType_REINDEX_OBJECT_SYSTEM
	if database && s.GetName() == "" && !q.V.AtLeast(16) {
		q.RecordRefusal(pgerror.SyntaxAtEnd)
		return false
	}
	for _, p := range s.GetParams() {
		d := p.GetDefElem()
		// The word may also come before the name, and up to 13 only there.
		isFarFromName := s.GetRelation() != nil && s.GetRelation().GetLocation()-d.GetLocation() >= int32(len("CONCURRENTLY)TABLE "))
		brackets := d.GetDefname() == "tablespace" || d.GetDefname() == "concurrently" && (d.GetArg() != nil || isFarFromName)
		if brackets && !q.V.AtLeast(14) {
			q.RecordRefusal(pgerror.SyntaxAt, strings.ToUpper(d.GetDefname()))
			return false
		}
	}
	return true
}

// checkMergeSyntax refuses what a version's MERGE cannot read.
func (q *Checker) checkMergeSyntax(m *pgparse.MergeStmt) bool {
	if !q.V.AtLeast(15) {
		q.RecordRefusal(pgerror.SyntaxAt, "MERGE")
		return false
	}
	for _, n := range m.GetMergeWhenClauses() {
		if n.GetMergeWhenClause().GetMatchKind() == pgparse.MergeMatchKind_MERGE_WHEN_NOT_MATCHED_BY_SOURCE && !q.V.AtLeast(17) {
			q.RecordRefusal(pgerror.SyntaxAt, "BY")
			return false
		}
	}
	if m.GetReturningClause() != nil && !q.V.AtLeast(17) {
		q.RecordRefusal(pgerror.SyntaxAt, "RETURNING")
		return false
	}
	return true
}
