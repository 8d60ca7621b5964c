package rule

import "strconv"

// Duration is a time in milliseconds as Postgres writes it: "5s", "1500ms",
// "10min".
func Duration(ms int) string {
	switch {
	case ms > 0 && ms%60_000 == 0:
		return strconv.Itoa(ms/60_000) + "min"
	case ms > 0 && ms%1000 == 0:
		return strconv.Itoa(ms/1000) + "s"
	}
	return strconv.Itoa(ms) + "ms"
}
