package hook

import "strings"

// readDotenv sets the variables of a file such as .env.
func (r *scriptReader) readDotenv(name word) {
	text := r.readFile(name)
	if !text.known {
		return
	}
	for key, value := range parseDotenv(text.text) {
		r.vars[key] = word{value, true}
	}
}

// parseDotenv returns the variables of a file such as .env.
func parseDotenv(text string) map[string]string {
	out := map[string]string{}
	for line := range strings.Lines(text) {
		line = strings.TrimPrefix(strings.TrimSpace(line), "export ")
		name, value, ok := strings.Cut(line, "=")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		value = strings.TrimSpace(value)
		if len(value) > 1 && (value[0] == '"' || value[0] == '\'') && value[len(value)-1] == value[0] {
			value = value[1 : len(value)-1]
		} else if commentStart := strings.Index(value, " #"); commentStart >= 0 {
			value = strings.TrimSpace(value[:commentStart])
		}
		out[strings.TrimSpace(name)] = value
	}
	return out
}
