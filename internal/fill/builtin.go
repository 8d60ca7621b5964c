package fill

import "strconv"

// builtin makes values of a type by its name; nil where it is none of builtins.
func builtin(name string, r request) *made {
	m := &made{capacity: endless}
	if set := builtins[name]; set != nil {
		set(m, name, r)
	}
	if m.value == nil {
		return nil
	}
	return m
}

// id is different for every row, if that is asked for.
func (r request) id(i int64) uint64 {
	if r.unique {
		return uint64(i + r.base)
	}
	return at(r.seed, i) >> 40
}

// builtins make values of the types that are neither numbers nor texts: the
// server's own, and those of extensions that many use.
var builtins = map[string]func(m *made, name string, r request){
	"uuid":         uuids,
	"json":         documents,
	"jsonb":        documents,
	"bytea":        octets,
	"inet":         addresses,
	"cidr":         addresses,
	"macaddr":      hardware,
	"macaddr8":     hardware,
	"tsvector":     vectorsOfWords,
	"tsquery":      searches,
	"bit":          digits,
	"varbit":       digits,
	"xml":          elements,
	"point":        figures,
	"box":          figures,
	"circle":       figures,
	"lseg":         figures,
	"path":         figures,
	"polygon":      figures,
	"line":         figures,
	"hstore":       pairs,
	"ltree":        labels,
	"char":         letters,
	"geometry":     places,
	"geography":    places,
	"vector":       embeddings,
	"regclass":     catalogued,
	"regtype":      catalogued,
	"regproc":      catalogued,
	"regprocedure": catalogued,
	"regrole":      catalogued,
	"regnamespace": catalogued,
}

func uuids(m *made, _ string, r request) {
	m.value = func(b []byte, i int64) []byte {
		h := at(r.seed, i)
		l := mix(h)
		b = append(appendHex(b, h>>32, 8), '-')
		b = append(appendHex(b, h>>16, 4), '-', '4')
		b = append(appendHex(b, h, 3), '-')
		b = append(appendHex(b, l>>48&0x3fff|0x8000, 4), '-')
		return appendHex(b, l, 12)
	}
}

func documents(m *made, name string, r request) {
	m.value = func(b []byte, i int64) []byte {
		h := at(r.seed, i)
		b = strconv.AppendUint(append(b, `{"id": `...), r.id(i), 10)
		b = append(append(b, `, "name": "`...), word(h)...)
		for k := range below(h>>8, 4) {
			b = append(append(b, `", "`...), word(h>>(8*k))...)
			b = strconv.AppendInt(b, k, 10)
			b = append(append(b, `": "`...), word(h>>(5*k))...)
		}
		return append(b, `"}`...)
	}
}

func octets(m *made, _ string, r request) {
	least, most := r.facts.minLen, r.facts.maxLen
	m.escape = true
	m.value = func(b []byte, i int64) []byte {
		h := at(r.seed, i)
		n := 8 + int(below(h, 40))
		if most > 0 {
			n = min(n, most)
		}
		n = max(n, least)
		b = append(b, `\x`...)
		if r.unique && n >= 8 {
			b = appendHex(b, r.id(i), 16)
			n -= 8
		}
		for ; n > 0; n-- {
			h = mix(h)
			b = appendHex(b, h, 2)
		}
		return b
	}
}

func addresses(m *made, _ string, r request) {
	m.capacity = 1 << 24
	m.value = func(b []byte, i int64) []byte {
		v := r.id(i)
		b = append(b, "10."...)
		b = append(strconv.AppendUint(b, v>>16&255, 10), '.')
		b = append(strconv.AppendUint(b, v>>8&255, 10), '.')
		return strconv.AppendUint(b, v&255, 10)
	}
}

func hardware(m *made, name string, r request) {
	n := 5
	if name == "macaddr8" {
		n = 7
	}
	m.value = func(b []byte, i int64) []byte {
		v := r.id(i)
		b = append(b, "02"...)
		for k := n - 1; k >= 0; k-- {
			b = appendHex(append(b, ':'), v>>(8*k), 2)
		}
		return b
	}
}

func vectorsOfWords(m *made, _ string, r request) {
	m.value = func(b []byte, i int64) []byte {
		h := at(r.seed, i)
		b = append(append(b, '\''), word(h)...)
		b = append(append(b, "':1 '"...), word(h>>16)...)
		b = strconv.AppendUint(b, r.id(i), 10)
		return append(b, "':2"...)
	}
}

func searches(m *made, _ string, r request) {
	m.value = func(b []byte, i int64) []byte { return strconv.AppendUint(append(b, "word"...), r.id(i), 10) }
}

func digits(m *made, name string, r request) {
	n := int(r.typmod)
	if n <= 0 {
		n = 1
		if name == "varbit" {
			n = 16
		}
	}
	if n < 62 {
		m.capacity = 1 << n
	}
	m.value = func(b []byte, i int64) []byte {
		v := r.id(i)
		for k := range n {
			b = append(b, byte('0'+v>>(k%64)&1))
		}
		return b
	}
}

func elements(m *made, name string, r request) {
	m.value = func(b []byte, i int64) []byte {
		b = append(append(b, "<item><name>"...), word(at(r.seed, i))...)
		b = strconv.AppendUint(append(b, "</name><id>"...), r.id(i), 10)
		return append(b, "</id></item>"...)
	}
}

func figures(m *made, name string, r request) {
	m.value = func(b []byte, i int64) []byte {
		x := strconv.FormatUint(r.id(i), 10)
		y := strconv.FormatInt(below(at(r.seed+1, i), 100), 10)
		p, q := "("+x+","+y+")", "("+x+".5,"+y+".5)"
		switch name {
		case "point":
			return append(b, p...)
		case "box":
			return append(b, q+","+p...)
		case "circle":
			return append(b, "<"+p+",1>"...)
		case "lseg":
			return append(b, "["+p+","+q+"]"...)
		case "path":
			return append(b, "["+p+","+q+"]"...)
		case "polygon":
			return append(b, "("+p+","+q+",(0,0))"...)
		}
		return append(b, "{1,-1,"+x+"}"...)
	}
}

func pairs(m *made, _ string, r request) {
	m.value = func(b []byte, i int64) []byte {
		b = append(append(append(b, '"'), word(at(r.seed, i))...), `"=>"`...)
		return append(strconv.AppendUint(b, r.id(i), 10), '"')
	}
}

func labels(m *made, _ string, r request) {
	m.value = func(b []byte, i int64) []byte {
		h := at(r.seed, i)
		b = append(append(b, word(h)...), '.')
		b = append(append(b, word(h>>16)...), '.')
		return strconv.AppendUint(b, r.id(i), 10)
	}
}

func letters(m *made, _ string, r request) {
	m.capacity = 26
	m.value = func(b []byte, i int64) []byte { return append(b, byte('a'+r.id(i)%26)) }
}

func places(m *made, _ string, r request) {
	m.value = func(b []byte, i int64) []byte {
		h := at(r.seed, i)
		b = strconv.AppendInt(append(b, "POINT("...), below(h, 360)-180, 10)
		b = strconv.AppendInt(append(b, ' '), below(h>>20, 180)-90, 10)
		return append(b, ')')
	}
}

func embeddings(m *made, _ string, r request) {
	if r.typmod <= 0 {
		return // of no known length
	}
	m.value = func(b []byte, i int64) []byte {
		b = append(b, '[')
		for k := range int64(r.typmod) {
			if k > 0 {
				b = append(b, ',')
			}
			b = append(b, "0."...)
			b = strconv.AppendInt(b, below(at(r.seed+uint64(i), k), 1000), 10)
		}
		return append(b, ']')
	}
}

func catalogued(m *made, name string, _ request) {
	*m = *fixed(map[string]string{"regclass": "pg_class", "regtype": "integer", "regproc": "now", "regprocedure": "now()", "regrole": "pg_monitor", "regnamespace": "pg_catalog"}[name])
}
