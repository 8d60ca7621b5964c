package workload

import (
	"net/url"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/pgparse"
)

// Tags are what the comments of a query say about its sender: those of sqlcommenter and marginalia, and the names
// that sqlc writes. A field is "" if no comment has it.
type Tags struct {
	Place, Test, Application string
	// Trace is the trace's ID. It identifies one request, so it is never stored.
	Trace string
}

// placeTags are the keys that name places in code. Other keys hold values of one request: a URL, a number, a trace.
var placeTags = []string{"namespaced_controller", "controller", "action", "job", "mailer", "component", "handler", "route",
	"view", "resolver", "func", "function", "method", "source_location", "caller", "stack", "file", "line"}

// tagNames are other names of these keys: OpenTelemetry's attributes, and what libraries call a stack.
var tagNames = map[string]string{
	"code.function": "function", "code.function.name": "function", "code.filepath": "file", "code.file.path": "file",
	"code.lineno": "line", "code.line.number": "line", "code.stacktrace": "stack", "stacktrace": "stack", "call_stack": "stack", "backtrace": "stack",
}

// queryTag is how sqlc and the like begin a query's comment.
var queryTag = lazyregexp.New(`^\s*name:\s*(\w[\w.]*)(\s+:\w+)?\s*$`)

// placeComment is a comment that has a file and a line only.
var placeComment = lazyregexp.New(`^\s*([\w./@-]+\.\w+:\d+)\s*$`)

// mostTag is the length up to which a tag is kept.
const mostTag = 200

// ReadTags reads the comments of a statement.
func ReadTags(sql string) Tags {
	if !strings.Contains(sql, "/*") && !strings.Contains(sql, "--") {
		return Tags{}
	}
	var t Tags
	found := map[string]string{}
	for offset := 0; ; {
		x := pgparse.NextLexeme(sql, offset)
		if x.Kind == pgparse.LexemeEnd {
			break
		}
		offset = x.End
		if x.Kind != pgparse.LexemeComment {
			continue
		}
		words := sql[x.Start:x.End]
		words = strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(words, "/*"), "--"), "*/")
		if m := slices.Concat(queryTag.FindStringSubmatch(words), placeComment.FindStringSubmatch(words)); m != nil {
			t.Place = m[1]
			continue
		}
		t.readPairs(words, found)
	}
	if place := joinPlace(found); place != "" {
		t.Place = place
	}
	return t
}

// readPairs reads key='value',… of sqlcommenter and key:value,… of marginalia.
func (t *Tags) readPairs(words string, found map[string]string) {
	for pair := range strings.SplitSeq(words, ",") {
		pair = strings.TrimSpace(pair)
		separator := strings.IndexAny(pair, "=:")
		if separator <= 0 {
			continue
		}
		k, v := strings.ToLower(strings.TrimSpace(pair[:separator])), strings.Trim(strings.TrimSpace(pair[separator+1:]), "'")
		if plain, err := url.QueryUnescape(v); err == nil && pair[separator] == '=' {
			v = plain
		}
		if name := tagNames[k]; name != "" {
			k = name
		}
		v = strings.ToValidUTF8(v, "?")
		if k == "stack" {
			v = nearestFrames(v)
		}
		if v == "" || len(v) > mostTag {
			continue
		}
		switch {
		case k == "test":
			t.Test = v
		case k == "traceparent":
			if id := strings.Split(v, "-"); len(id) == 4 {
				t.Trace = id[1]
			}
		case k == "application" || k == "app":
			t.Application = v
		case slices.Contains(placeTags, k):
			found[k] = v
		}
	}
}

// nearestFrames returns the first frames of a call stack, as many as a tag may be long. Frames are in lines, or separated by
// semicolons or bars.
func nearestFrames(stack string) string {
	var out []string
	size := 0
	for _, frame := range strings.FieldsFunc(stack, func(r rune) bool { return strings.ContainsRune("\n;|", r) }) {
		frame = strings.Join(strings.Fields(frame), " ")
		if size += len(frame) + len(" < "); size > mostTag {
			break
		}
		if frame != "" {
			out = append(out, frame)
		}
	}
	return strings.Join(out, " < ")
}

// joinPlace makes one line of what was found: users#index, app/x.rb:12, or the words as they are.
func joinPlace(found map[string]string) string {
	var out []string
	take := func(k string) string {
		v := found[k]
		delete(found, k)
		return v
	}
	controller := take("namespaced_controller")
	if c := take("controller"); controller == "" {
		controller = c
	}
	action := take("action")
	switch {
	case controller != "" && action != "":
		out = append(out, controller+"#"+action)
	case controller+action != "":
		out = append(out, controller+action)
	}
	file, line := take("file"), take("line")
	for _, k := range placeTags {
		if v := found[k]; v != "" && (k != "route" || len(out) == 0) {
			out = append(out, v)
		}
	}
	if file == "" && strings.Contains(line, ":") { // marginalia writes both into one
		file, line = line, ""
	}
	if file != "" {
		out = append(out, strings.TrimSuffix(file+":"+line, ":"))
	}
	return strings.Join(out, " ")
}

// addTags completes a sender from the comments of its query. A known place stays.
func (s Sender) addTags(t Tags) Sender {
	if s.Place == "" {
		s.Place = t.Place
	}
	if t.Test != "" {
		s.Test = t.Test
	}
	if t.Application != "" {
		s.Application = t.Application
	}
	return s
}

// CutTest finds a test's name in application_name, where a runner has put it: pytest's
// tests/test_x.py::test_y, "test: name", Go's TestX/case.
func CutTest(app string) (test, rest string) {
	if t, ok := strings.CutPrefix(app, "test:"); ok {
		return strings.TrimSpace(t), ""
	}
	if strings.Contains(app, ".py::") || len(app) > 4 && strings.HasPrefix(app, "Test") && app[4] >= 'A' && app[4] <= 'Z' {
		return app, ""
	}
	return "", app
}
