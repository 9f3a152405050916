# The rows of drive as a table. Beside each value its cost as a multiple of the floor's (1.00: the
# same, less: better); for mcp-remote as a multiple of mpmcp's.
function show(v) {
    return v == "-" ? "none" : v >= 1000 ? sprintf("%d", v + 0.5) : v >= 100 ? sprintf("%.0f", v) : sprintf("%.2f", v)
}
function cost(v, base, better) {
    if (v == "-" || base == "-" || v + 0 == 0 && base + 0 == 0)
        return ""
    if (better == "+")
        return v > 0 ? sprintf("%.2fx", base / v) : ""
    return base > 0 ? sprintf("%.2fx", v / base) : "+" show(v)
}
BEGIN {
    n = split(columns, name, " ")
    line = sprintf("%-36s", "")
    for (i = 1; i <= n; i++)
        line = line sprintf("%11s %8s", name[i], i == 1 ? "" : name[i] == "mcp-remote" ? "/mpmcp" : "/floor")
    print line
}
{
    line = sprintf("%-36s", $1)
    for (i = 1; i <= n; i++)
        line = line sprintf("%11s %8s", show($(i + 2)), i == 1 ? "" : cost($(i + 2), name[i] == "mcp-remote" ? $4 : $3, $2))
    print line
}
