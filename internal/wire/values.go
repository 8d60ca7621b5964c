package wire

import "github.com/jackc/pgx/v5/pgtype"

// IsBinary reports whether a value is in binary, by the format codes of its message: none means text, one is for all. See
// https://www.postgresql.org/docs/current/protocol-message-formats.html, Bind.
func IsBinary(formats []int16, i int) bool {
	if len(formats) == 1 {
		return formats[0] == 1
	}
	return i < len(formats) && formats[i] == 1
}

// FormatBinary returns the text of a value in binary. known is false for a type that pgtype does not read.
func FormatBinary(types *pgtype.Map, oid uint32, data []byte) (text []byte, known bool) {
	typ, known := types.TypeForOID(oid)
	if !known {
		return nil, false
	}
	value, err := typ.Codec.DecodeValue(types, oid, pgtype.BinaryFormatCode, data)
	if err != nil {
		return nil, false
	}
	text, err = types.Encode(oid, pgtype.TextFormatCode, value, nil)
	return text, err == nil && text != nil
}
