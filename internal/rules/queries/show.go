package queries

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/onward-sql/onward/internal/workload"
)

// FormatRecording formats a small recording for a page: its queries, with how often each was sent,
// in the order of their transactions if it has any.
func FormatRecording(data []byte) (string, error) {
	var w workload.Workload
	if err := json.Unmarshal(data, &w); err != nil {
		return "", err
	}
	queries := map[string]*workload.Query{}
	shown := map[string]bool{}
	for i := range w.Queries {
		queries[w.Queries[i].ID] = &w.Queries[i]
	}
	var out []string
	for i := range w.Sequences {
		s := &w.Sequences[i]
		head := "-- one request"
		if s.Transaction != "" {
			head = "-- one transaction, ends in " + s.Transaction
		}
		if s.MostIdleMS > 0 {
			head += fmt.Sprintf(", open for %.1f s while nothing is sent", s.MostIdleMS/1000)
		}
		lines := []string{head}
		for _, step := range s.Steps {
			q := queries[step.Query]
			if q == nil {
				return "", fmt.Errorf("there is no query %s", step.Query)
			}
			shown[q.ID] = true
			line := q.SQL + ";"
			if step.Times > 1 {
				line += fmt.Sprintf(" -- %d times", step.Times)
			}
			if step.Trips > 0 {
				line += fmt.Sprintf(" -- after %d of the round trips", step.Trips)
			}
			lines = append(lines, line)
		}
		out = append(out, strings.Join(lines, "\n"))
	}
	var rest []string
	for i := range w.Queries {
		q := &w.Queries[i]
		if shown[q.ID] {
			continue
		}
		line := q.SQL + ";"
		if q.MostRows > 0 {
			line += fmt.Sprintf(" -- at most %d rows", q.MostRows)
		}
		rest = append(rest, line)
	}
	if len(rest) > 0 {
		out = append(out, strings.Join(rest, "\n"))
	}
	return strings.Join(out, "\n\n"), nil
}
