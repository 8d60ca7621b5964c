package fill

import "strconv"

// makeBuiltin makes values of a type by its name; nil if the type is not in
// builtins.
func makeBuiltin(name string, r request) *generator {
	m := &generator{capacity: endless}
	if set := builtins[name]; set != nil {
		set(m, name, r)
	}
	if m.value == nil {
		return nil
	}
	return m
}

// uniqueNumber returns a number that differs for every row, if uniqueness is requested.
func (r request) uniqueNumber(i int64) uint64 {
	if r.unique {
		return uint64(i + r.base)
	}
	return randomAt(r.seed, i) >> 40
}

// builtins make values of types that are neither numbers nor texts: built-in
// types, and those of popular extensions.
var builtins = map[string]func(m *generator, name string, r request){
	"uuid":         makeUUIDs,
	"json":         makeJSON,
	"jsonb":        makeJSON,
	"bytea":        makeBytes,
	"inet":         makeAddresses,
	"cidr":         makeAddresses,
	"macaddr":      makeMACs,
	"macaddr8":     makeMACs,
	"tsvector":     makeTextVectors,
	"tsquery":      makeSearchTexts,
	"bit":          makeBits,
	"varbit":       makeBits,
	"xml":          makeXML,
	"point":        makeGeometries,
	"box":          makeGeometries,
	"circle":       makeGeometries,
	"lseg":         makeGeometries,
	"path":         makeGeometries,
	"polygon":      makeGeometries,
	"line":         makeGeometries,
	"hstore":       makePairs,
	"ltree":        makeLabelPaths,
	"char":         makeLetters,
	"geometry":     makePoints,
	"geography":    makePoints,
	"vector":       makeVectors,
	"regclass":     makeOIDNames,
	"regtype":      makeOIDNames,
	"regproc":      makeOIDNames,
	"regprocedure": makeOIDNames,
	"regrole":      makeOIDNames,
	"regnamespace": makeOIDNames,
}

func makeUUIDs(m *generator, _ string, r request) {
	m.value = func(b []byte, i int64) []byte {
		h := randomAt(r.seed, i)
		l := mixBits(h)
		b = append(appendHex(b, h>>32, 8), '-')
		b = append(appendHex(b, h>>16, 4), '-', '4')
		b = append(appendHex(b, h, 3), '-')
		b = append(appendHex(b, l>>48&0x3fff|0x8000, 4), '-')
		return appendHex(b, l, 12)
	}
}

func makeJSON(m *generator, name string, r request) {
	m.value = func(b []byte, i int64) []byte {
		h := randomAt(r.seed, i)
		b = strconv.AppendUint(append(b, `{"id": `...), r.uniqueNumber(i), 10)
		b = append(append(b, `, "name": "`...), wordFor(h)...)
		for k := range reduceTo(h>>8, 4) {
			b = append(append(b, `", "`...), wordFor(h>>(8*k))...)
			b = strconv.AppendInt(b, k, 10)
			b = append(append(b, `": "`...), wordFor(h>>(5*k))...)
		}
		return append(b, `"}`...)
	}
}

func makeBytes(m *generator, _ string, r request) {
	least, most := r.facts.minLen, r.facts.maxLen
	m.escape = true
	m.value = func(b []byte, i int64) []byte {
		h := randomAt(r.seed, i)
		n := 8 + int(reduceTo(h, 40))
		if most > 0 {
			n = min(n, most)
		}
		n = max(n, least)
		b = append(b, `\x`...)
		if r.unique && n >= 8 {
			b = appendHex(b, r.uniqueNumber(i), 16)
			n -= 8
		}
		for ; n > 0; n-- {
			h = mixBits(h)
			b = appendHex(b, h, 2)
		}
		return b
	}
}

func makeAddresses(m *generator, _ string, r request) {
	m.capacity = 1 << 24
	m.value = func(b []byte, i int64) []byte {
		v := r.uniqueNumber(i)
		b = append(b, "10."...)
		b = append(strconv.AppendUint(b, v>>16&255, 10), '.')
		b = append(strconv.AppendUint(b, v>>8&255, 10), '.')
		return strconv.AppendUint(b, v&255, 10)
	}
}

func makeMACs(m *generator, name string, r request) {
	n := 5
	if name == "macaddr8" {
		n = 7
	}
	m.value = func(b []byte, i int64) []byte {
		v := r.uniqueNumber(i)
		b = append(b, "02"...)
		for k := n - 1; k >= 0; k-- {
			b = appendHex(append(b, ':'), v>>(8*k), 2)
		}
		return b
	}
}

func makeTextVectors(m *generator, _ string, r request) {
	m.value = func(b []byte, i int64) []byte {
		h := randomAt(r.seed, i)
		b = append(append(b, '\''), wordFor(h)...)
		b = append(append(b, "':1 '"...), wordFor(h>>16)...)
		b = strconv.AppendUint(b, r.uniqueNumber(i), 10)
		return append(b, "':2"...)
	}
}

func makeSearchTexts(m *generator, _ string, r request) {
	m.value = func(b []byte, i int64) []byte { return strconv.AppendUint(append(b, "word"...), r.uniqueNumber(i), 10) }
}

func makeBits(m *generator, name string, r request) {
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
		v := r.uniqueNumber(i)
		for k := range n {
			b = append(b, byte('0'+v>>(k%64)&1))
		}
		return b
	}
}

func makeXML(m *generator, name string, r request) {
	m.value = func(b []byte, i int64) []byte {
		b = append(append(b, "<item><name>"...), wordFor(randomAt(r.seed, i))...)
		b = strconv.AppendUint(append(b, "</name><id>"...), r.uniqueNumber(i), 10)
		return append(b, "</id></item>"...)
	}
}

func makeGeometries(m *generator, name string, r request) {
	m.value = func(b []byte, i int64) []byte {
		x := strconv.FormatUint(r.uniqueNumber(i), 10)
		y := strconv.FormatInt(reduceTo(randomAt(r.seed+1, i), 100), 10)
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

func makePairs(m *generator, _ string, r request) {
	m.value = func(b []byte, i int64) []byte {
		b = append(append(append(b, '"'), wordFor(randomAt(r.seed, i))...), `"=>"`...)
		return append(strconv.AppendUint(b, r.uniqueNumber(i), 10), '"')
	}
}

func makeLabelPaths(m *generator, _ string, r request) {
	m.value = func(b []byte, i int64) []byte {
		h := randomAt(r.seed, i)
		b = append(append(b, wordFor(h)...), '.')
		b = append(append(b, wordFor(h>>16)...), '.')
		return strconv.AppendUint(b, r.uniqueNumber(i), 10)
	}
}

func makeLetters(m *generator, _ string, r request) {
	m.capacity = 26
	m.value = func(b []byte, i int64) []byte { return append(b, byte('a'+r.uniqueNumber(i)%26)) }
}

func makePoints(m *generator, _ string, r request) {
	m.value = func(b []byte, i int64) []byte {
		h := randomAt(r.seed, i)
		b = strconv.AppendInt(append(b, "POINT("...), reduceTo(h, 360)-180, 10)
		b = strconv.AppendInt(append(b, ' '), reduceTo(h>>20, 180)-90, 10)
		return append(b, ')')
	}
}

func makeVectors(m *generator, _ string, r request) {
	if r.typmod <= 0 {
		return // of unknown length
	}
	m.value = func(b []byte, i int64) []byte {
		b = append(b, '[')
		for k := range int64(r.typmod) {
			if k > 0 {
				b = append(b, ',')
			}
			b = append(b, "0."...)
			b = strconv.AppendInt(b, reduceTo(randomAt(r.seed+uint64(i), k), 1000), 10)
		}
		return append(b, ']')
	}
}

func makeOIDNames(m *generator, name string, _ request) {
	*m = *makeFixed(map[string]string{
		"regclass":     "pg_class",
		"regtype":      "integer",
		"regproc":      "now",
		"regprocedure": "now()",
		"regrole":      "pg_monitor",
		"regnamespace": "pg_catalog",
	}[name])
}

// appendHex appends the lowest digits of a number in hexadecimal.
func appendHex(b []byte, v uint64, digits int) []byte {
	for k := digits - 1; k >= 0; k-- {
		b = append(b, "0123456789abcdef"[v>>(4*k)&15])
	}
	return b
}
