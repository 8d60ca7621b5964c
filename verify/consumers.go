package verify

import (
	"maps"
	"slices"

	"github.com/onward-sql/onward/internal/report/view"
	"github.com/onward-sql/onward/onward"
)

// listRecordings returns the recordings of each version of the code.
func (c *Config) listRecordings() map[onward.Code][]*Workload {
	out := map[onward.Code][]*Workload{onward.OldCode: c.Old, onward.NewCode: c.New}
	for _, v := range c.Also {
		out[view.FurtherCode(v.Name)] = v.Recorded
	}
	return out
}

// addConsumers says in a report which programs send the queries that break, and counts each program's queries. It adds
// nothing if the recordings name no consumer.
func addConsumers(recordings map[onward.Code][]*Workload, r *onward.Report) {
	senders := map[onward.Code]map[string][]string{}
	for code, loads := range recordings {
		senders[code] = consumersByQuery(loads)
	}
	counts := map[string]*onward.VerifiedConsumer{}
	count := func(name string, code onward.Code) *onward.VerifiedConsumer {
		key := name + "\x00" + string(code)
		if counts[key] == nil {
			counts[key] = &onward.VerifiedConsumer{Consumer: name, Code: code}
		}
		return counts[key]
	}
	for code, byID := range senders {
		for _, names := range byID {
			for _, name := range names {
				count(name, code).Queries++
			}
		}
	}
	for key, broken := range setVerdictConsumers(r, senders) {
		for _, name := range senders[key.code][key.id] {
			if c := count(name, key.code); broken {
				c.Broken++
			} else {
				c.Warned++
			}
		}
	}
	for i := range r.Verification.NotJudged {
		n := &r.Verification.NotJudged[i]
		for _, name := range senders[n.Code][n.ID] {
			count(name, n.Code).NotJudged++
		}
	}
	for _, key := range slices.Sorted(maps.Keys(counts)) {
		r.Verification.Consumers = append(r.Verification.Consumers, *counts[key])
	}
}

// queryKey identifies a query of one code.
type queryKey struct {
	code onward.Code
	id   string
}

// setVerdictConsumers returns the queries with a verdict, and whether it is an outage of this code. It names the consumers in
// the verdicts.
func setVerdictConsumers(r *onward.Report, senders map[onward.Code]map[string][]string) map[queryKey]bool {
	out := map[queryKey]bool{}
	for i := range r.Verdicts {
		d := &r.Verdicts[i]
		d.Consumers = senders[d.Code][d.ID]
		key := queryKey{d.Code, d.ID}
		if view.NeedsLater(d) && d.Severity == onward.Error {
			continue // it works after the release
		}
		out[key] = out[key] || d.Severity == onward.Error
	}
	return out
}

// consumersByQuery returns the consumers of each query of the code in recordings, sorted.
func consumersByQuery(loads []*Workload) map[string][]string {
	out := map[string][]string{}
	for _, load := range loads {
		for i := range load.Queries {
			q := &load.Queries[i]
			if !q.IsCode() || q.Calls > 0 && refusedCalls(q) >= q.Calls {
				continue
			}
			names := slices.AppendSeq(out[q.ID], maps.Keys(q.Consumers()))
			if slices.Sort(names); len(names) > 0 {
				out[q.ID] = slices.Compact(names)
			}
		}
	}
	return out
}
