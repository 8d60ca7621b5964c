package address

import (
	"net/url"
	"strings"
)

// WithSetting returns an address whose sessions begin with a setting, such as search_path.
func WithSetting(address, name, value string) string {
	if u, err := url.Parse(address); err == nil && u.Scheme != "" {
		q := u.Query()
		q.Set(name, value)
		u.RawQuery = strings.ReplaceAll(q.Encode(), "+", "%20") // the driver reads a + as it is
		return u.String()
	}
	return address + " " + name + "='" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(value) + "'"
}
