package workload

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
)

// ReadStatements reads an export of pg_stat_statements: CSV with a header, or the table that
// psql prints. It reads the columns query, calls, rows, total_exec_time (total_time) and, if
// present, userid or usename, and dbid or datname. Numbers in userid and dbid are ignored, since
// they name nobody.
func (im *Import) ReadStatements(text string) error {
	rows, err := csvRows(text)
	if len(rows) == 0 || columnIndex(rows[0], "query") < 0 {
		rows, err = psqlRows(text), nil
	}
	if err != nil {
		return err
	}
	if len(rows) == 0 || columnIndex(rows[0], "query") < 0 || columnIndex(rows[0], "calls") < 0 {
		return errors.New("it is no export of pg_stat_statements: it has no columns query and calls; write one with psql --csv -c 'SELECT * FROM pg_stat_statements'")
	}
	cell := func(row []string, names ...string) string {
		if i := columnIndex(rows[0], names...); i >= 0 && i < len(row) {
			return row[i]
		}
		return ""
	}
	for i, row := range rows[1:] {
		calls, err := strconv.ParseInt(cell(row, "calls"), 10, 64)
		if err != nil || calls < 0 {
			return fmt.Errorf("row %d: calls is no number", i+1)
		}
		rowCount, _ := strconv.ParseInt(cell(row, "rows"), 10, 64)
		ms, _ := strconv.ParseFloat(cell(row, "total_exec_time", "total_time"), 64)
		im.Statement(cell(row, "query"), nonNumericName(cell(row, "usename", "rolname", "userid")), nonNumericName(cell(row, "datname", "dbid")), calls, rowCount, ms)
	}
	return nil
}

// Statement adds a row of pg_stat_statements. It skips a row whose text the reader may not see,
// and adds a note.
func (im *Import) Statement(sql, role, database string, calls, rows int64, ms float64) {
	if sql == "" || sql == "<insufficient privilege>" {
		im.Note("the texts of other roles' statements were left out: read pg_stat_statements as a member of pg_read_all_stats")
		return
	}
	im.Add(Seen{
		SQL:    restoreStatement(sql),
		Role:   role,
		Sender: Sender{Database: database}.addTags(ReadTags(sql)),
		Calls:  calls,
		Rows:   max(rows, 0),
		MS:     max(ms, 0),
	})
}

func columnIndex(head []string, names ...string) int {
	for _, n := range names {
		for i, h := range head {
			if h == n {
				return i
			}
		}
	}
	return -1
}

// nonNumericName returns a name, or "" for a number.
func nonNumericName(text string) string {
	if text == "" || text[0] >= '0' && text[0] <= '9' {
		return ""
	}
	return text
}

func csvRows(text string) ([][]string, error) {
	r := csv.NewReader(strings.NewReader(text))
	r.FieldsPerRecord = -1
	var out [][]string
	for {
		row, err := r.Read()
		if err == io.EOF {
			return out, nil
		}
		if err != nil {
			return out, fmt.Errorf("it is no CSV: %w", err)
		}
		out = append(out, row)
	}
}

// psqlRows reads the table that psql prints. In a cell of several lines, each line but the last
// ends with a plus.
func psqlRows(text string) [][]string {
	var out [][]string
	open := false
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n\r")
		if !strings.Contains(line, "|") {
			open = false
			continue
		}
		cells := strings.Split(line, "|")
		more := false
		for i, c := range cells {
			c = strings.TrimSpace(c)
			if strings.HasSuffix(cells[i], "+") {
				more, c = true, strings.TrimSpace(strings.TrimSuffix(c, "+"))
			}
			cells[i] = c
		}
		if open && len(out) > 0 && len(out[len(out)-1]) == len(cells) {
			last := out[len(out)-1]
			for i, c := range cells {
				if c != "" {
					last[i] += "\n" + c
				}
			}
		} else {
			out = append(out, cells)
		}
		open = more
	}
	return out
}

// restoreStatement turns a text of pg_stat_statements back into a statement that could have been sent.
// pg_stat_statements puts $1 for each constant, even if no parameter is allowed there (interval
// $1). Of two constants that must be equal (GROUP BY), it may replace only one. A string is
// valid in all these places, and becomes a parameter again later.
func restoreStatement(sql string) string {
	const constant = "'?'"
	t := &text{}
	t.splitTokens(sql)
	t.keepColumnPositions()
	grouped := false
	for i := range t.toks {
		grouped = grouped || t.isKeyword(i, "GROUP", "DISTINCT")
	}
	var b strings.Builder
	for i := range t.toks {
		if tok := &t.toks[i]; i > 0 && (tok.space || isWordByte(t.sql[tok.start]) && isWordByte(t.sql[t.toks[i-1].end-1])) {
			b.WriteByte(' ')
		}
		switch kind := t.toks[i].kind; {
		case kind == pgparse.LexemeParam && t.isKeyword(i-2, "EXTRACT") && t.isKeyword(i+1, "FROM"):
			b.WriteString("year") // the type is the same for every field
		case kind == pgparse.LexemeParam, grouped && kind == pgparse.LexemeString,
			grouped && kind == pgparse.LexemeNumber && !t.isTypeModifier(i) && t.toks[i].fate != stays:
			b.WriteString(constant)
		default:
			b.WriteString(t.tokenText(i))
		}
	}
	return b.String()
}

// isTypeModifier reports whether a number is in brackets with numbers only, as in numeric(10, 2).
func (t *text) isTypeModifier(i int) bool {
	alone := func(step int, end byte) bool {
		for i := i + step; ; i += step {
			switch {
			case t.isByte(i, end):
				return true
			case i < 0 || i >= len(t.toks) || !t.isByte(i, ',') && t.toks[i].kind != pgparse.LexemeNumber:
				return false
			}
		}
	}
	return alone(-1, '(') && alone(1, ')')
}

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
