package collect

import (
	"hash/maphash"
	"net/url"
	"regexp"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
)

// place is what a query's comments say of its place in the code.
type place struct {
	where, test, application string
	trace                    uint64 // of its traceparent; 0 for none
}

var traceSeed = maphash.MakeSeed()

// placeWords are the keys of comments that name places in code; what others hold (a URL, a
// request's number, a trace) is a value of one request.
var placeWords = []string{"namespaced_controller", "controller", "action", "job", "mailer", "component", "handler", "route",
	"view", "resolver", "func", "function", "method", "source_location", "file", "line"}

// queryName is how sqlc and the like begin a query's comment.
var queryName = regexp.MustCompile(`^\s*name:\s*(\w[\w.]*)(\s+:\w+)?\s*$`)

// placeOf reads the comments of a statement.
func placeOf(sql string) place {
	if !strings.Contains(sql, "/*") && !strings.Contains(sql, "--") {
		return place{}
	}
	var p place
	found := map[string]string{}
	for at := 0; ; {
		x := pgparse.NextLexeme(sql, at)
		if x.Kind == pgparse.LexemeEnd {
			break
		}
		at = x.End
		if x.Kind != pgparse.LexemeComment {
			continue
		}
		words := sql[x.Start:x.End]
		words = strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(words, "/*"), "--"), "*/")
		if m := queryName.FindStringSubmatch(words); m != nil {
			p.where = m[1]
			continue
		}
		p.pairs(words, found)
	}
	p.join(found)
	return p
}

// pairs reads key='value',… of sqlcommenter and key:value,… of marginalia.
func (p *place) pairs(words string, found map[string]string) {
	for pair := range strings.SplitSeq(words, ",") {
		pair = strings.TrimSpace(pair)
		at := strings.IndexAny(pair, "=:")
		if at <= 0 {
			continue
		}
		k, v := strings.ToLower(strings.TrimSpace(pair[:at])), strings.Trim(strings.TrimSpace(pair[at+1:]), "'")
		if plain, err := url.QueryUnescape(v); err == nil && pair[at] == '=' {
			v = plain
		}
		if v = strings.ToValidUTF8(v, "?"); v == "" || len(v) > 200 {
			continue
		}
		switch {
		case k == "test":
			p.test = v
		case k == "traceparent":
			if id := strings.Split(v, "-"); len(id) == 4 {
				p.trace = maphash.String(traceSeed, id[1])
			}
		case k == "application" || k == "app":
			p.application = v
		case oneOf(k, placeWords...):
			found[k] = v
		}
	}
}

// join makes one line of what was found: users#index, app/x.rb:12, or the words as they are.
func (p *place) join(found map[string]string) {
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
	for _, k := range placeWords {
		if v := found[k]; v != "" && (k != "route" || len(out) == 0) {
			out = append(out, v)
		}
	}
	if file != "" {
		out = append(out, strings.TrimSuffix(file+":"+line, ":"))
	}
	if len(out) > 0 {
		p.where = strings.Join(out, " ")
	}
}
