package workload

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// eachJSONValue calls f for each JSON value of a text: an export of several pages has several.
func eachJSONValue(text string, f func(json.RawMessage) error) error {
	objects := json.NewDecoder(strings.NewReader(text))
	for n := 1; ; n++ {
		var raw json.RawMessage
		switch err := objects.Decode(&raw); {
		case err == io.EOF:
			return nil
		case err != nil:
			return fmt.Errorf("object %d is no JSON: %w", n, err)
		}
		if err := f(raw); err != nil {
			return err
		}
	}
}

// ReadPganalyze reads the answer of pganalyze's GraphQL query getQueryStats, with the fields normalizedQuery and
// totalCalls, and if they are there avgTime and queryComment. (https://pganalyze.com/docs/api/queries/getQueryStats)
func (im *Import) ReadPganalyze(text string) error {
	type row struct {
		NormalizedQuery, QueryComment string
		TotalCalls                    *int64
		AvgTime                       float64
	}
	type stats struct{ GetQueryStats []row }
	found := false
	err := eachJSONValue(text, func(raw json.RawMessage) error {
		var answer struct {
			Data stats
			stats
		}
		if err := json.Unmarshal(raw, &answer); err != nil {
			return fmt.Errorf("it is no answer of getQueryStats: %w", err)
		}
		for i, r := range append(answer.Data.GetQueryStats, answer.GetQueryStats...) {
			if r.NormalizedQuery == "" || r.TotalCalls == nil || *r.TotalCalls < 0 {
				return fmt.Errorf("query %d has no normalizedQuery or no totalCalls: ask for both fields", i+1)
			}
			found = true
			comment := r.QueryComment
			if comment != "" && !strings.HasPrefix(comment, "/*") && !strings.HasPrefix(comment, "--") {
				comment = "/*" + comment + "*/"
			}
			im.addStatistics(r.NormalizedQuery, comment, "", *r.TotalCalls, 0, r.AvgTime*float64(*r.TotalCalls))
		}
		return nil
	})
	if err == nil && !found {
		err = errors.New("it has no answer of pganalyze's query getQueryStats")
	}
	return err
}

// ReadPlanetScale reads pages of PlanetScale's API for the queries of a branch, as JSON.
// (https://planetscale.com/docs/api/reference/list_branch_queries)
func (im *Import) ReadPlanetScale(text string) error {
	type row struct {
		SQL      string  `json:"normalized_sql"`
		Count    *int64  `json:"query_count"`
		Returned int64   `json:"sum_rows_returned"`
		Affected int64   `json:"sum_rows_affected"`
		MS       float64 `json:"sum_total_duration_millis"`
		Keyspace string  `json:"keyspace"`
	}
	found, more := false, false
	err := eachJSONValue(text, func(raw json.RawMessage) error {
		var page struct {
			Data []row
			Next *int64 `json:"next_page"`
		}
		target := any(&page)
		if strings.HasPrefix(string(raw), "[") {
			target = &page.Data
		}
		if err := json.Unmarshal(raw, target); err != nil {
			return fmt.Errorf("it is no list of a branch's queries: %w", err)
		}
		more = page.Next != nil
		for i, r := range page.Data {
			if r.SQL == "" || r.Count == nil || *r.Count < 0 {
				return fmt.Errorf("query %d has no normalized_sql or no query_count", i+1)
			}
			found = true
			im.addStatistics(r.SQL, r.SQL, r.Keyspace, *r.Count, max(r.Returned, r.Affected), r.MS)
		}
		return nil
	})
	switch {
	case err == nil && !found:
		err = errors.New("it has no list of queries from PlanetScale's API (GET …/branches/BRANCH/insights)")
	case more:
		im.Note("the list of queries has further pages, which are not in the file")
	}
	return err
}

// addStatistics adds a query of a service that shows pg_stat_statements or its like. comments has its comments.
func (im *Import) addStatistics(sql, comments, database string, calls, rows int64, ms float64) {
	im.Add(Seen{
		SQL:    restoreStatement(numberPlaceholders(sql)),
		Sender: Sender{Database: database}.addTags(ReadTags(comments)),
		Calls:  calls,
		Rows:   max(rows, 0),
		MS:     max(ms, 0),
	})
}
