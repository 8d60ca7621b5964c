package config

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// decodeHook reads the settings of onward hook.
func (d *decoder) decodeHook(n *yaml.Node, h *Hook) {
	d.decodeMapping(n, "hook", []field{
		{"disposable", func(n *yaml.Node) {
			d.eachElement(n, func(n *yaml.Node) {
				entry := d.decodeText(n)
				host, database, ok := strings.Cut(entry, "/")
				switch {
				case entry == "": // the decoder has said why
				case strings.Contains(entry, "://") || strings.ContainsAny(entry, "@? "):
					d.addError(n, "disposable is HOST/DATABASE or HOST:PORT/DATABASE, without a user and a password")
				case !ok || host == "" || database == "":
					d.addError(n, "disposable %q: write HOST/DATABASE, such as localhost/app_dev", entry)
				default:
					h.Disposable = append(h.Disposable, entry)
				}
			})
		}},
	})
}
