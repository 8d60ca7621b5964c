package workload

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// maxSpans bounds one JSON object of a file of spans, in bytes.
const maxSpans = 256 << 20

// mostAncestors limits how far a span's ancestors are followed.
const mostAncestors = 32

// spanFile is an object of a file in the OTLP JSON format.
// (https://opentelemetry.io/docs/specs/otel/protocol/file-exporter/)
type spanFile struct {
	ResourceSpans []struct {
		Resource   struct{ Attributes spanAttributes }
		ScopeSpans []spanScope
		// InstrumentationLibrarySpans is what ScopeSpans was called before version 0.15 of the protocol.
		InstrumentationLibrarySpans []spanScope
	}
}

type spanScope struct{ Spans []otlpSpan }

type otlpSpan struct {
	TraceID           string `json:"traceId"`
	SpanID            string `json:"spanId"`
	ParentSpanID      string `json:"parentSpanId"`
	StartTimeUnixNano spanNumber
	EndTimeUnixNano   spanNumber
	Attributes        spanAttributes
}

// spanNumber is a 64-bit number, which the format writes as a string or as a number. A number that cannot be read is 0.
type spanNumber int64

// UnmarshalJSON reads both forms.
func (n *spanNumber) UnmarshalJSON(data []byte) error {
	v, err := strconv.ParseInt(string(bytes.Trim(data, `"`)), 10, 64)
	if err == nil {
		*n = spanNumber(v)
	}
	return nil
}

// spanAttributes are the attributes whose values are texts or numbers.
type spanAttributes map[string]string

// wantedAttributes are the attributes that an import reads. Parameters of queries are not among them.
var wantedAttributes = map[string]bool{
	"db.query.text": true, "db.statement": true, "db.system.name": true, "db.system": true, "db.namespace": true, "db.name": true, "db.user": true,
	"db.response.status_code": true, "db.response.returned_rows": true, "http.route": true, "service.name": true, "http.request.method": true, "http.method": true,
	"rpc.service": true, "rpc.method": true, "code.file.path": true, "code.filepath": true, "code.line.number": true, "code.lineno": true,
	"code.function.name": true, "code.function": true, "code.namespace": true,
}

// UnmarshalJSON reads a list of keys with typed values.
func (a *spanAttributes) UnmarshalJSON(data []byte) error {
	var list []struct {
		Key   string
		Value struct {
			StringValue *string
			IntValue    *spanNumber
		}
	}
	if err := json.Unmarshal(data, &list); err != nil {
		return err
	}
	*a = spanAttributes{}
	for _, e := range list {
		switch {
		case !wantedAttributes[e.Key]:
		case e.Value.StringValue != nil:
			(*a)[e.Key] = *e.Value.StringValue
		case e.Value.IntValue != nil:
			(*a)[e.Key] = strconv.FormatInt(int64(*e.Value.IntValue), 10)
		}
	}
	return nil
}

// firstNonEmpty returns the first of some attributes that is not empty.
func (a spanAttributes) firstNonEmpty(names ...string) string {
	for _, n := range names {
		if a[n] != "" {
			return a[n]
		}
	}
	return ""
}

// spanReader collects the spans of a file. A span may come before its parent.
type spanReader struct {
	im      *Import
	parents map[spanID]spanParent
	queries []spanQuery
	// spans counts them all, others those of other database systems, nameless database spans without a text.
	spans, others, nameless int
}

type spanID struct{ trace, span string }

// spanParent is what the children of a span take from it.
type spanParent struct{ parent, route string }

// spanQuery is a query whose sender is not known before the whole file was read.
type spanQuery struct {
	seen   Seen
	parent spanID
}

// ReadSpans reads spans of OpenTelemetry: a file in the OTLP JSON format, with one object or one per line. The texts
// are in db.query.text, or in db.statement. No parameter is kept, and no name of a span, because it may hold a value.
func (im *Import) ReadSpans(r io.Reader) error {
	s := &spanReader{im: im, parents: map[spanID]spanParent{}}
	limited := &io.LimitedReader{R: r, N: maxSpans}
	objects := json.NewDecoder(limited)
	for n := 1; ; n++ {
		var file spanFile
		limited.N = maxSpans
		err := objects.Decode(&file)
		if err == io.EOF {
			break
		}
		switch {
		case err != nil && limited.N <= 0:
			return fmt.Errorf("object %d is larger than %d MB", n, maxSpans>>20)
		case err != nil:
			return fmt.Errorf("object %d is no OTLP JSON: %w", n, err)
		}
		s.addFile(&file)
	}
	if s.spans == 0 {
		return errors.New("it has no span in the OTLP JSON format (resourceSpans, scopeSpans, spans): write one with the file exporter of the collector")
	}
	s.addQueries()
	return nil
}

func (s *spanReader) addFile(file *spanFile) {
	for i := range file.ResourceSpans {
		r := &file.ResourceSpans[i]
		for _, scope := range append(r.ScopeSpans, r.InstrumentationLibrarySpans...) {
			for k := range scope.Spans {
				s.addSpan(&scope.Spans[k], r.Resource.Attributes["service.name"])
			}
		}
	}
}

func (s *spanReader) addSpan(x *otlpSpan, service string) {
	s.spans++
	a := x.Attributes
	system := a.firstNonEmpty("db.system.name", "db.system")
	sql := a.firstNonEmpty("db.query.text", "db.statement")
	if sql == "" && system == "" {
		s.parents[spanID{x.TraceID, x.SpanID}] = spanParent{x.ParentSpanID, a.route()}
		return
	}
	switch {
	case system != "" && system != "postgresql" && system != "other_sql":
		s.others++
		return
	case sql == "":
		s.nameless++
		return
	}
	database, _, _ := strings.Cut(a.firstNonEmpty("db.namespace", "db.name"), "|")
	if a["db.namespace"] != "" { // the database, then the schema
		database, _, _ = strings.Cut(database, ".")
	}
	seen := Seen{SQL: numberPlaceholders(sql), Role: a["db.user"], Sender: Sender{Database: database, Application: service}, Calls: 1}
	seen.Sender = seen.Sender.addTags(ReadTags(sql))
	if seen.Sender.Place == "" {
		seen.Sender.Place = a.codePlace()
	}
	if took := x.EndTimeUnixNano - x.StartTimeUnixNano; took > 0 && x.StartTimeUnixNano > 0 {
		seen.MS = float64(took) / 1e6
	}
	seen.Rows, _ = strconv.ParseInt(a["db.response.returned_rows"], 10, 64)
	if state := a["db.response.status_code"]; len(state) == 5 && state > "03" {
		seen.Refused = state
	}
	s.queries = append(s.queries, spanQuery{seen, spanID{x.TraceID, x.ParentSpanID}})
}

// codePlace returns the place in the code that made a span: file and line, else the function.
func (a spanAttributes) codePlace() string {
	if file := a.firstNonEmpty("code.file.path", "code.filepath"); file != "" {
		return strings.TrimSuffix(file+":"+a.firstNonEmpty("code.line.number", "code.lineno"), ":")
	}
	name := a.firstNonEmpty("code.function.name", "code.function")
	if space := a["code.namespace"]; space != "" && name != "" {
		name = space + "." + name
	}
	return name
}

// route returns which request a span answers, as the route's pattern or the method of a service, else the code that
// made the span.
func (a spanAttributes) route() string {
	switch {
	case a["http.route"] != "":
		return strings.TrimSpace(a.firstNonEmpty("http.request.method", "http.method") + " " + a["http.route"])
	case a["rpc.method"] != "":
		return strings.TrimPrefix(a["rpc.service"]+"/"+a["rpc.method"], "/")
	}
	return a.codePlace()
}

// addQueries adds the queries, with the routes of the requests that sent them.
func (s *spanReader) addQueries() {
	for i := range s.queries {
		q := &s.queries[i]
		ancestor := q.parent
		for n := 0; n < mostAncestors && q.seen.Sender.Place == "" && ancestor.span != ""; n++ {
			p := s.parents[ancestor]
			q.seen.Sender.Place, ancestor.span = p.route, p.parent
		}
		s.im.Add(q.seen)
	}
	if s.others > 0 {
		s.im.Note("spans of other database systems were left out: %d", s.others)
	}
	if s.nameless > 0 {
		s.im.Note("database spans without the text of a query were left out: %d", s.nameless)
	}
}
