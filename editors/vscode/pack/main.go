// Command pack writes the extension for VS Code as a .vsix, which is a ZIP archive with two files about its content.
//
//	go run ./editors/vscode/pack DIRECTORY BUNDLE OUTPUT
//
// DIRECTORY has package.json, and BUNDLE is the bundled extension. The same files make the same archive, byte by byte.
package main

import (
	"archive/zip"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: pack DIRECTORY BUNDLE OUTPUT")
		os.Exit(2)
	}
	if err := writeArchive(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, "pack:", err)
		os.Exit(1)
	}
}

// manifest is what the archive says of the extension.
type manifest struct {
	Name        string   `json:"name"`
	DisplayName string   `json:"displayName"`
	Description string   `json:"description"`
	Version     string   `json:"version"`
	Publisher   string   `json:"publisher"`
	Icon        string   `json:"icon"`
	Categories  []string `json:"categories"`
	Keywords    []string `json:"keywords"`
	Engines     struct {
		Code string `json:"vscode"`
	} `json:"engines"`
	ExtensionKind []string `json:"extensionKind"`
}

// entry is a file of the archive.
type entry struct {
	name string
	text []byte
}

func writeArchive(dir, bundle, output string) error {
	content, err := os.ReadFile(filepath.Join(dir, "package.json"))
	if err != nil {
		return err
	}
	var m manifest
	if err := json.Unmarshal(content, &m); err != nil {
		return err
	}
	installed, err := trimManifest(content)
	if err != nil {
		return err
	}
	entries := []entry{{"[Content_Types].xml", []byte(contentTypes)}, {"extension.vsixmanifest", describeExtension(&m)}, {"extension/package.json", installed}}
	for _, f := range [][2]string{
		{"extension/readme.md", filepath.Join(dir, "README.md")},
		{"extension/LICENSE.txt", filepath.Join(dir, "..", "..", "LICENSE")},
		{"extension/icon.png", filepath.Join(dir, m.Icon)},
		{"extension/THIRD-PARTY.txt", filepath.Join(filepath.Dir(bundle), "THIRD-PARTY.txt")},
		{"extension/dist/extension.js", bundle},
	} {
		text, err := os.ReadFile(f[1])
		if err != nil {
			return err
		}
		entries = append(entries, entry{f[0], text})
	}
	if err := os.MkdirAll(filepath.Dir(output), 0o755); err != nil {
		return err
	}
	out, err := os.Create(output)
	if err != nil {
		return err
	}
	return errors.Join(writeEntries(out, entries), out.Close())
}

// writeEntries writes the archive. All its times are the same.
func writeEntries(w io.Writer, entries []entry) error {
	archive := zip.NewWriter(w)
	for _, e := range entries {
		part, err := archive.CreateHeader(&zip.FileHeader{Name: e.name, Method: zip.Deflate, Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)})
		if err != nil {
			return err
		}
		if _, err := part.Write(e.text); err != nil {
			return err
		}
	}
	return archive.Close()
}

// trimManifest removes what only the build needs from package.json.
func trimManifest(content []byte) ([]byte, error) {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(content, &all); err != nil {
		return nil, err
	}
	for _, key := range []string{"scripts", "dependencies", "devDependencies"} {
		delete(all, key)
	}
	return json.MarshalIndent(all, "", "  ")
}

const contentTypes = `<?xml version="1.0" encoding="utf-8"?>
<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">` +
	`<Default Extension=".json" ContentType="application/json"/><Default Extension=".vsixmanifest" ContentType="text/xml"/>` +
	`<Default Extension=".js" ContentType="application/javascript"/><Default Extension=".md" ContentType="text/markdown"/>` +
	`<Default Extension=".txt" ContentType="text/plain"/><Default Extension=".png" ContentType="image/png"/></Types>
`

// describeExtension is the archive's own manifest.
func describeExtension(m *manifest) []byte {
	const page = `<?xml version="1.0" encoding="utf-8"?>
<PackageManifest Version="2.0.0" xmlns="http://schemas.microsoft.com/developer/vsx-schema/2011">
  <Metadata>
    <Identity Language="en-US" Id="%s" Version="%s" Publisher="%s"/>
    <DisplayName>%s</DisplayName>
    <Description xml:space="preserve">%s</Description>
    <Tags>%s</Tags>
    <Categories>%s</Categories>
    <GalleryFlags>Public</GalleryFlags>
    <Properties>
      <Property Id="Microsoft.VisualStudio.Code.Engine" Value="%s"/>
      <Property Id="Microsoft.VisualStudio.Code.ExtensionKind" Value="%s"/>
    </Properties>
    <License>extension/LICENSE.txt</License>
    <Icon>extension/icon.png</Icon>
  </Metadata>
  <Installation><InstallationTarget Id="Microsoft.VisualStudio.Code"/></Installation>
  <Dependencies/>
  <Assets>
    <Asset Type="Microsoft.VisualStudio.Code.Manifest" Path="extension/package.json" Addressable="true"/>
    <Asset Type="Microsoft.VisualStudio.Services.Content.Details" Path="extension/readme.md" Addressable="true"/>
    <Asset Type="Microsoft.VisualStudio.Services.Content.License" Path="extension/LICENSE.txt" Addressable="true"/>
    <Asset Type="Microsoft.VisualStudio.Services.Icons.Default" Path="extension/icon.png" Addressable="true"/>
  </Assets>
</PackageManifest>
`
	var fields []any
	for _, value := range []string{
		m.Name, m.Version, m.Publisher, m.DisplayName, m.Description, strings.Join(m.Keywords, ","), strings.Join(m.Categories, ","),
		m.Engines.Code, strings.Join(m.ExtensionKind, ","),
	} {
		var b strings.Builder
		_ = xml.EscapeText(&b, []byte(value)) // into memory
		fields = append(fields, b.String())
	}
	return fmt.Appendf(nil, page, fields...)
}
