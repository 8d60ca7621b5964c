package verify

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/replay"
	"github.com/onward-sql/onward/internal/workload"
	"github.com/onward-sql/onward/onward"
)

// splitStatements returns the statements of a text; the text itself if it cannot be split.
func splitStatements(sql string) []string {
	if list, err := workload.SplitMessage(sql); err == nil && len(list) > 0 {
		return list
	}
	return []string{sql}
}

// normalizeStatement returns a statement as recordings have it.
func normalizeStatement(sql string) string { return workload.Normalize(sql).SQL }

// lastStatement returns the statement of a message that an answer ends with, without its values.
func lastStatement(a *replay.Answer) string {
	list := splitStatements(a.SQL)
	return normalizeStatement(list[min(len(a.Tags), len(list)-1)])
}

// differingStatement returns the statement of a message whose answer differs, without its values.
func differingStatement(d *replay.Difference) string {
	if d.Fails {
		return lastStatement(d.Now)
	}
	list := splitStatements(d.Base.SQL)
	for i := range list {
		if i >= len(d.Now.Tags) || i >= len(d.Base.Tags) || d.Base.Tags[i] != d.Now.Tags[i] {
			return normalizeStatement(list[i])
		}
	}
	// The values of the first result are compared.
	for _, text := range list {
		if n := workload.Normalize(text); n.Kind == workload.Select {
			return n.SQL
		}
	}
	return normalizeStatement(list[0])
}

// addReplayVerdicts adds the verdicts of the replays, and settles those that the values decide.
func (c *checker) addReplayVerdicts(ctx context.Context, r *replayer, verdicts []onward.Verdict, places []onward.VerdictPlace) ([]onward.Verdict, error) {
	verdicts = slices.DeleteFunc(verdicts, r.settlesVerdict)
	c.notJudged = slices.DeleteFunc(c.notJudged, func(q onward.NotJudged) bool {
		e := r.executed[codeText{q.Code, q.Query}]
		if e == nil || e.isOpen(0, len(c.moments)) {
			return false
		}
		c.counts[q.Code].Unjudged--
		c.counts[q.Code].Checked++
		return true
	})
	groups := map[string][]*replayedDifference{} // with one cause, in the order of their first ones
	var order []string
	for i := range r.differences {
		d := &r.differences[i]
		if groups[d.causeKey()] == nil {
			order = append(order, d.causeKey())
		}
		groups[d.causeKey()] = append(groups[d.causeKey()], d)
	}
	for _, key := range order {
		d := groups[key][0]
		if d.Reshaped { // it was judged without values: the replay knows the statement
			for i := range verdicts {
				if known := &verdicts[i]; known.Kind == onward.VerdictResultShape && known.Code == d.lane.code && known.Query == d.sql && known.Point == d.point {
					var err error
					if known.After, err = r.blameStatement(ctx, d, places); err != nil {
						return nil, err
					}
				}
			}
			continue
		}
		v := r.makeVerdict(d, places)
		last := 0
		for _, other := range groups[key] {
			last = max(last, other.point)
		}
		if last+1 < len(places) {
			v.Until, v.UntilPoint = &places[last+1], last+1
		}
		if slices.ContainsFunc(verdicts, func(known onward.Verdict) bool {
			return known.Code == v.Code && known.Query == v.Query && known.Severity == onward.Error && known.Point <= v.Point &&
				(known.SQLState == v.SQLState || v.SQLState == "")
		}) {
			continue // it was known without values
		}
		verdicts = slices.DeleteFunc(verdicts, func(known onward.Verdict) bool {
			return known.Code == v.Code && known.Query == v.Query && known.Severity < v.Severity && known.Kind == onward.VerdictRejected
		})
		var err error
		if v.After, err = r.blameStatement(ctx, d, places); err != nil {
			return nil, err
		}
		verdicts = append(verdicts, v)
	}
	verdicts, err := c.addMadeVerdicts(ctx, r, verdicts, places)
	sortVerdicts(verdicts)
	return verdicts, err
}

// makeVerdict makes a verdict of a difference.
func (r *replayer) makeVerdict(d *replayedDifference, places []onward.VerdictPlace) onward.Verdict {
	v := onward.Verdict{Query: d.sql, Code: d.lane.code, After: places[d.point], Point: d.point, Kind: onward.VerdictOtherResult, Severity: onward.Warning,
		Message: d.Message, Replayed: true, ID: workload.Fingerprint(d.sql, "", "")}
	if d.Fails {
		v.Kind, v.Severity, v.SQLState, v.Message = onward.VerdictFails, onward.Error, d.Now.SQLState, hideValues(d.Message, d.Base.SQL)
	}
	if d.lane.written != nil {
		v.Message += ", on rows that the new code wrote: a rollback of the code fails"
	}
	if r.showsValues {
		v.Values = replay.ListValues(d.lane.Transcript, d.Base)
	}
	v.Test = replay.FindTest(d.lane.Transcript, d.Base.Event)
	session := d.lane.Transcript.Sessions[d.Base.Session]
	v.Sender, v.Calls = session.Parameters["application_name"], 1
	for _, q := range r.checker.queries {
		if q.code == d.lane.code && q.SQL == d.sql {
			v.ID, v.Calls, v.Sender = q.ID, q.calls, q.sender
			break
		}
	}
	return v
}

// describeRefusal says what the server refuses, without values.
func describeRefusal(a *replay.Answer) string {
	return fmt.Sprintf("%s (SQLSTATE %s): %s", hideValues(a.Message, a.SQL), a.SQLState, clipQuery(lastStatement(a)))
}

// hideValues takes the values out of a server's message: what it quotes of the input, and the literals of the statement.
func hideValues(message, sql string) string {
	if head, _, found := strings.Cut(message, `: "`); found {
		message = head
	}
	for _, text := range splitStatements(sql) {
		for _, value := range workload.ParameterValues(text) {
			if value != nil && len(*value) >= 3 {
				message = strings.ReplaceAll(message, *value, "…")
			}
		}
	}
	return message
}

// settlesVerdict reports whether the replays decide what a verdict leaves open: the values that the code sends are accepted.
func (r *replayer) settlesVerdict(v onward.Verdict) bool {
	e := r.executed[codeText{v.Code, v.Query}]
	if e == nil {
		return false
	}
	end := len(r.checker.moments)
	if v.Until != nil {
		end = v.UntilPoint
	}
	if e.isOpen(v.Point, end) {
		return false
	}
	switch v.Kind {
	case onward.VerdictRejected, onward.VerdictHiddenRows, onward.VerdictPermission, onward.VerdictRequired, onward.VerdictConflict:
		return true
	case onward.VerdictFails: // with the types that the client declares, it does not fail
		return v.Code != onward.NewCode || v.Point == len(r.checker.moments)-1
	}
	return false
}

// isOpen reports whether at one of the points from begin up to end it is not shown that the statement has the same answer.
func (e *execution) isOpen(begin, end int) bool {
	for point := begin; point < end; point++ {
		if e.open[point] {
			return true
		}
	}
	return false
}

// settleFindings makes notes of findings that rest on recorded queries only, if all of these were executed at each point and nothing differed.
func (r *replayer) settleFindings(report *onward.Report) {
	executed := map[string]bool{}
	for key, e := range r.executed {
		if key.code == onward.OldCode && !e.isOpen(0, len(r.checker.moments)) {
			executed[key.sql] = true
		}
	}
	for i := range report.Findings {
		f := &report.Findings[i]
		queries := 0
		open := slices.ContainsFunc(f.Evidence, func(e onward.Evidence) bool {
			if e.Kind != "query" {
				return e.Kind == "code" || e.Kind == "model"
			}
			queries++
			_, sql, _ := strings.Cut(e.Text, ": ") // how often it was recorded comes first
			return !executed[sql]
		})
		if queries == 0 || open || f.Severity <= onward.Info {
			continue
		}
		f.Severity = onward.Info
		f.Fact += " The recorded queries were executed with their values at each commit point, and none of them differs."
	}
}

func sortVerdicts(list []onward.Verdict) {
	slices.SortStableFunc(list, func(a, b onward.Verdict) int {
		return cmp.Or(cmp.Compare(a.Point, b.Point), -cmp.Compare(a.Code, b.Code), -cmp.Compare(a.Severity, b.Severity), -cmp.Compare(a.Calls, b.Calls),
			cmp.Compare(a.ID, b.ID), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Message, b.Message))
	})
}
