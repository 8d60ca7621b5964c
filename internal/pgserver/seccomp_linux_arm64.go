package pgserver

// Calls that other processors do not have.
var refusedHere, pretendedHere []uint32
