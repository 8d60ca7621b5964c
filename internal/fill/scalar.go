package fill

import (
	"math"
	"strconv"
	"strings"
	"time"
)

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

func atoi(s string) (int64, bool) {
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}

func parseFloat(s string) (float64, bool) {
	n, err := strconv.ParseFloat(s, 64)
	return n, err == nil && !math.IsNaN(n)
}

// scalar is a type with numbered values: the n-th day, the n-th cent. The
// numbers are in the order of the values. For numeric(8,2) 1050 is the value 10.50.
type scalar struct {
	// lo and hi are the limits of the type, usualLo and usualHi those of a
	// typical column.
	lo, hi, usualLo, usualHi int64
	// unit is the smallest difference between two values.
	unit   int64
	append func(b []byte, v int64) []byte
	// parse reads a constant, rounded down; exact: it was not rounded.
	parse func(s string) (v int64, exact, ok bool)
}

const (
	second = int64(1_000_000)
	day    = 86_400 * second
)

var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// scalarOf returns the scalar of a built-in type; nil: it has none.
func scalarOf(name string, typmod int32) *scalar {
	switch name {
	case "int2":
		return newInteger(math.MinInt16, math.MaxInt16, 1000)
	case "int4":
		return newInteger(math.MinInt32, math.MaxInt32, 100_000)
	case "int8":
		return newInteger(math.MinInt64/4, math.MaxInt64/4, 1_000_000)
	case "oid", "xid", "cid":
		return newInteger(0, math.MaxInt32, 100_000)
	case "xid8":
		return newInteger(0, math.MaxInt64/4, 100_000)
	case "numeric":
		precision, scale := 14, 2
		if typmod >= 4 {
			precision = int((typmod - 4) >> 16 & 0xffff)
			scale = int((typmod-4)&0x7ff^1024) - 1024 // 11 bits, signed
		}
		return newDecimal(precision, scale)
	case "float4":
		return newDecimal(6, 1)
	case "float8":
		return newDecimal(12, 3)
	case "money":
		return newDecimal(12, 2)
	case "date":
		return &scalar{lo: -730_000, hi: 2_900_000, usualLo: 15*365 + 4, usualHi: 25*365 + 6, unit: 1,
			append: appendDate,
			parse: func(s string) (int64, bool, bool) {
				micros, ok := parseTime(s)
				return floorDiv(micros, day), micros%day == 0, ok
			}}
	case "timestamp", "timestamptz":
		unit := int64(1)
		if typmod >= 0 && typmod <= 6 {
			unit = int64(math.Pow10(6 - int(typmod)))
		}
		zone := name == "timestamptz"
		return &scalar{lo: -730_000 * day, hi: 2_900_000 * day, usualLo: (15*365 + 4) * day, usualHi: (25*365 + 6) * day, unit: unit,
			append: func(b []byte, v int64) []byte {
				b = append(appendDate(b, floorDiv(v, day)), ' ')
				b = appendClock(b, v-floorDiv(v, day)*day)
				if zone {
					b = append(b, "+00"...)
				}
				return b
			},
			parse: func(s string) (int64, bool, bool) {
				micros, ok := parseTime(s)
				return micros, true, ok
			}}
	case "time", "timetz":
		unit := int64(1000)
		if typmod >= 0 && typmod <= 6 {
			unit = int64(math.Pow10(6 - int(typmod)))
		}
		zone := name == "timetz"
		return &scalar{lo: 0, hi: day - 1, usualLo: 0, usualHi: day - 1, unit: unit,
			append: func(b []byte, v int64) []byte {
				b = appendClock(b, v)
				if zone {
					b = append(b, "+00"...)
				}
				return b
			},
			parse: func(s string) (int64, bool, bool) {
				t, err := time.Parse("15:04:05.999999", strings.TrimSuffix(s, "+00"))
				return int64(t.Hour())*3600*second + int64(t.Minute())*60*second + int64(t.Second())*second + int64(t.Nanosecond()/1000), true, err == nil
			}}
	case "interval":
		return &scalar{lo: 0, hi: 3_000_000_000, usualLo: 1, usualHi: 30 * 86400, unit: 1,
			append: func(b []byte, v int64) []byte {
				b = append(strconv.AppendInt(b, v/86400, 10), " days "...)
				return appendClock(b, v%86400*second)
			},
			parse: parseInterval}
	case "pg_lsn":
		return &scalar{lo: 0, hi: math.MaxInt64 / 4, usualLo: 1 << 20, usualHi: 1 << 40, unit: 1,
			append: func(b []byte, v int64) []byte {
				b = append(strconv.AppendInt(b, v>>32, 16), '/')
				return strconv.AppendInt(b, v&0xffffffff, 16)
			},
			parse: func(string) (int64, bool, bool) { return 0, false, false }}
	}
	return nil
}

func newInteger(lo, hi, usual int64) *scalar {
	return &scalar{lo: lo, hi: hi, usualLo: 0, usualHi: usual, unit: 1,
		append: func(b []byte, v int64) []byte { return strconv.AppendInt(b, v, 10) },
		parse:  func(s string) (int64, bool, bool) { return parseDecimal(s, 0) }}
}

func newDecimal(precision, scale int) *scalar {
	zeros := max(-scale, 0)
	shown := max(scale, 0)
	digits := min(max(precision, 1), 18)
	if shown > 15 { // the remaining digits are always 0
		digits = min(max(precision-(shown-15), 1), 18)
		shown = 15
	}
	hi := int64(math.Pow10(digits)) - 1
	unit := int64(math.Pow10(shown))
	usual := hi
	if hi/100_000 > unit {
		usual = 100_000 * unit
	}
	return &scalar{lo: -hi, hi: hi, usualLo: 0, usualHi: usual, unit: 1,
		append: func(b []byte, v int64) []byte {
			if v < 0 {
				b, v = append(b, '-'), -v
			}
			b = strconv.AppendInt(b, v/unit, 10)
			if v != 0 {
				for range zeros {
					b = append(b, '0')
				}
			}
			if shown > 0 {
				b = append(b, '.')
				b = appendPadded(b, v%unit, shown)
			}
			return b
		},
		parse: func(s string) (int64, bool, bool) {
			v, exact, ok := parseDecimal(s, shown)
			for range zeros {
				exact = exact && v%10 == 0
				v = floorDiv(v, 10)
			}
			return v, exact, ok
		}}
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// parseDecimal returns floor(s × 10^scale).
func parseDecimal(s string, scale int) (int64, bool, bool) {
	if n, ok := atoi(s); ok && scale == 0 {
		return n, true, true
	}
	f, ok := parseFloat(strings.TrimPrefix(s, "$"))
	if !ok {
		return 0, false, false
	}
	f *= math.Pow10(scale)
	if r := math.Round(f); math.Abs(r-f) < 1e-6 {
		f = r
	}
	switch {
	case f > math.MaxInt64/4:
		return math.MaxInt64 / 4, false, true
	case f < math.MinInt64/4:
		return math.MinInt64 / 4, false, true
	}
	return int64(math.Floor(f)), f == math.Floor(f), true
}

// parseTime reads a date or a timestamp in Postgres' format, in microseconds
// since 2000.
func parseTime(s string) (int64, bool) {
	for _, layout := range []string{"2006-01-02", "2006-01-02 15:04:05.999999", "2006-01-02 15:04:05.999999-07"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.Unix()*second - epoch.Unix()*second + int64(t.Nanosecond()/1000), true
		}
	}
	return 0, false
}

func parseInterval(s string) (int64, bool, bool) {
	var total int64
	words := strings.Fields(s)
	for i := 0; i < len(words); i++ {
		if t, err := time.Parse("15:04:05", words[i]); err == nil {
			total += int64(t.Hour())*3600 + int64(t.Minute())*60 + int64(t.Second())
			continue
		}
		n, ok := atoi(words[i])
		if !ok || i+1 == len(words) {
			return 0, false, false
		}
		i++
		switch strings.TrimSuffix(words[i], "s") {
		case "sec", "second":
			total += n
		case "min", "minute":
			total += 60 * n
		case "hour":
			total += 3600 * n
		case "day":
			total += 86400 * n
		case "mon", "month":
			total += 30 * 86400 * n
		case "year":
			total += 365 * 86400 * n
		default:
			return 0, false, false
		}
	}
	return total, true, true
}

func appendPadded(b []byte, v int64, width int) []byte {
	var digits [20]byte
	for k := width - 1; k >= 0; k-- {
		digits[k] = byte('0' + v%10)
		v /= 10
	}
	return append(b, digits[:width]...)
}

// appendDate writes the day with the number v since 2000-01-01, by Howard
// Hinnant's civil_from_days: package time takes five times as long.
func appendDate(b []byte, v int64) []byte {
	z := v + 730_425 // days since 0000-03-01
	era := floorDiv(z, 146_097)
	doe := z - era*146_097
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	d := doy - (153*mp+2)/5 + 1
	m, y := mp+3, yoe+era*400
	if m > 12 {
		m, y = m-12, y+1
	}
	width := 4
	if y > 9999 {
		width = 5
	}
	b = append(appendPadded(b, max(y, 1), width), '-')
	b = append(appendPadded(b, m, 2), '-')
	return appendPadded(b, d, 2)
}

func appendClock(b []byte, micros int64) []byte {
	s := micros / second
	b = append(appendPadded(b, s/3600, 2), ':')
	b = append(appendPadded(b, s/60%60, 2), ':')
	b = appendPadded(b, s%60, 2)
	if micros %= second; micros != 0 {
		b = append(b, '.')
		b = appendPadded(b, micros, 6)
	}
	return b
}

// allowedRange returns the range of numbers that a column may hold.
func (s *scalar) allowedRange(f *facts) (lo, hi int64) {
	lo, hi = s.usualLo, s.usualHi
	width := hi - lo
	hasLo, hasHi := false, false
	if f != nil && f.lo != "" {
		if v, exact, ok := s.parse(f.lo); ok {
			if f.loOpen || !exact {
				v++
			}
			lo, hasLo = max(v, s.lo), true
		}
	}
	if f != nil && f.hi != "" {
		if v, exact, ok := s.parse(f.hi); ok {
			if f.hiOpen && exact {
				v--
			}
			hi, hasHi = min(v, s.hi), true
		}
	}
	switch {
	case hasLo && !hasHi:
		hi = max(hi, min(s.hi, lo+width))
	case hasHi && !hasLo && lo > hi:
		lo = max(s.lo, hi-width)
	}
	return lo, hi
}
