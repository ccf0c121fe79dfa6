r"""Pairs of final answers, (reference, candidate), that are equal or are near misses: what the verifier is held to.

Kept by kind, so that a miss says what is not understood. Answers stand as `final_answer` gives them: without `\boxed{}`.
What is equal is a matter of policy where mathematics does not say: see docs/tasks/math.md.
"""

# ruff: noqa: E501  (a table reads best with its kinds side by side)

EQUAL: dict[str, list[tuple[str, str]]] = {
    "numbers": [
        ("42", "42"), ("42", "42.0"), ("42", "042"), ("1234", "1,234"), ("1,234,567", "1234567"), ("0.5", ".5"),
        ("-7", "−7"), ("-7", "- 7"), ("1000000", "10^6"), ("1.5e3", "1500"), ("2.50", "2.5"), ("+3", "3"),
        ("10{,}000", "10000"), ("10\\,000", "10,000"), ("3.14159", "3.14159"), ("0", "-0"), ("6.02 \\times 10^{23}", "6.02*10^23"),
        ("1000000", "1 million"), ("-1800000000", "-1.8 billion"), ("15000", "15 thousand"), ("2^{10}", "1024"), ("5!", "120"),
    ],
    "fractions": [
        ("\\frac{1}{2}", "1/2"), ("\\frac{1}{2}", "0.5"), ("\\frac12", "\\frac{1}{2}"), ("\\dfrac{3}{4}", "\\tfrac{3}{4}"),
        ("\\frac{2}{4}", "\\frac{1}{2}"), ("-\\frac{1}{2}", "\\frac{-1}{2}"), ("-\\frac{1}{2}", "\\frac{1}{-2}"),
        ("-\\frac{1}{2}", "-0.5"), ("1\\frac{1}{2}", "\\frac{3}{2}"), ("2 \\frac{3}{4}", "2.75"), ("\\frac{7}{3}", "2\\frac{1}{3}"),
        ("\\frac{1}{3}", "0.333333333"), ("\\frac{10}{5}", "2"), ("\\cfrac{1}{2}", "1/2"), ("{1 \\over 2}", "\\frac{1}{2}"),
        ("\\frac{x}{2}", "\\frac{1}{2}x"), ("\\frac{a+b}{c}", "\\frac{a}{c}+\\frac{b}{c}"), ("\\left(\\frac{2}{3}\\right)^2", "4/9"),
        ("\\frac{1}{1+\\frac{1}{2}}", "\\frac{2}{3}"), ("3/4", "\\frac{6}{8}"), ("1 1/2", "3/2"),
    ],
    "roots and powers": [
        ("2\\sqrt{2}", "\\sqrt{8}"), ("\\frac{1}{\\sqrt{2}}", "\\frac{\\sqrt{2}}{2}"), ("\\sqrt2", "\\sqrt{2}"),
        ("\\sqrt[3]{27}", "3"), ("\\sqrt{16}", "4"), ("x^{1/2}", "\\sqrt{x}"), ("2^{-1}", "\\frac{1}{2}"),
        ("\\sqrt{3}+\\sqrt{2}", "\\sqrt{2}+\\sqrt{3}"), ("\\frac{\\sqrt{3}}{3}", "1/\\sqrt{3}"), ("10\\sqrt{3}", "10 \\cdot \\sqrt{3}"),
        ("3\\sqrt{5}", "\\sqrt{45}"), ("\\sqrt{\\frac{1}{4}}", "0.5"), ("sqrt(2)", "\\sqrt{2}"), ("2sqrt(3)", "2\\sqrt{3}"),
        ("1+\\sqrt{5}", "\\sqrt 5 + 1"), ("x^{12}", "x^12"),
    ],
    "constants": [
        ("\\pi", "π"), ("2\\pi", "\\pi \\cdot 2"), ("\\frac{\\pi}{4}", "\\pi/4"), ("e^2", "e^{2}"), ("\\ln 8", "3\\ln 2"),
        ("16\\pi", "16π"), ("\\sin(\\pi/6)", "\\frac{1}{2}"), ("\\log_2 8", "3"), ("\\infty", "+\\infty"), ("\\cos 60^\\circ", "1/2"),
        ("2+3i", "3i+2"), ("i^2", "-1"), ("\\frac{1+i}{2}", "\\frac{1}{2}+\\frac{i}{2}"),
    ],
    "algebra": [
        ("x^2-1", "(x-1)(x+1)"), ("2x+3", "3+2x"), ("x=5", "5"), ("5", "x = 5"), ("y=2x+3", "2x+3"), ("(x+1)^2", "x^2+2x+1"),
        ("x^2+y^2=1", "y^2+x^2=1"), ("2x=4", "4=2x"), ("ab", "a \\cdot b"), ("x", "\\frac{2x}{2}"), ("x+0", "x"), ("3x^2", "3 x^{2}"), ("a_1+a_2", "a_2+a_1"),
        ("x \\cdot y", "xy"), ("f(x)=x^2", "x^2"), ("2(x+3)", "2x+6"), ("\\frac{x^2-1}{x-1}", "x+1"), ("-(a-b)", "b-a"),
    ],
    "intervals": [
        ("[0,1]", "[0, 1]"), ("(0,\\infty)", "(0,+\\infty)"), ("(-\\infty,2)\\cup(3,\\infty)", "(3,\\infty)\\cup(-\\infty,2)"),
        ("[1,2)", "\\left[1, 2\\right)"), ("x \\in [1,2]", "[1,2]"), ("(\\frac{1}{2}, 1]", "(0.5, 1]"), ("x>3", "(3,\\infty)"),
        ("1<x<2", "(1,2)"), ("x \\geq 2", "x \\ge 2"), ("x>2", "2<x"), ("(-\\infty, 0]", "x \\le 0"), ("[-2, 5]", "-2 \\le x \\le 5"),
        ("(-\\infty,\\infty)", "\\mathbb{R}"),
    ],
    "sets, tuples and lists": [
        ("\\{1,2,3\\}", "\\{3,2,1\\}"), ("1,2", "2,1"), ("1, 2", "1 and 2"), ("\\{1,2\\}", "1,2"), ("(1,2)", "(1, 2)"),
        ("(1,2)", "\\left(1,2\\right)"), ("\\{\\frac12\\}", "\\{0.5\\}"), ("\\pm 2", "2,-2"), ("x=1,x=2", "1,2"), ("x=1 \\text{ or } x=2", "1, 2"),
        ("(\\frac{1}{2}, 3)", "(0.5, 3)"), ("\\emptyset", "\\varnothing"), ("\\{\\}", "\\emptyset"), ("(1,-2,3)", "(1, -2, 3)"), ("2 \\pm \\sqrt{3}", "2+\\sqrt{3}, 2-\\sqrt{3}"),
        ("(x,y)=(1,2)", "(1,2)"), ("x=1,y=2", "(1,2)"), ("1,234, 5", "1234, 5"),
    ],
    "units and money": [
        ("18", "$18"), ("18", "\\$18"), ("18", "18 dollars"), ("18", "\\$18.00"), ("5 \\text{ cm}", "5"), ("5", "5\\text{ cm}"),
        ("5\\mathrm{~cm}", "5 cm"), ("10 \\text{ cm}^2", "10"), ("10\\text{ cm}^2", "10 \\text{ square centimeters}"), ("3", "3 apples"), ("12", "12 hours"),
        ("60 \\text{ mph}", "60 miles per hour"), ("1200", "$1,200 per month"), ("5 \\text{ meters}", "5 m"), ("7", "7 \\text{ units}"), ("2.5", "2.5 kg"), ("20", "20 inches"),
        ("50 cents", "50"), ("€30", "30"), ("3:30", "3:30"), ("12 \\text{ ft}", "12 feet"), ("1,000", "USD 1000"),
    ],
    "percent": [
        ("50\\%", "50%"), ("50\\%", "0.5"), ("50", "50\\%"), ("50\\%", "50"), ("12.5\\%", "\\frac{1}{8}"), ("50\\%", "50 percent"), ("33\\frac{1}{3}\\%", "\\frac{100}{3}\\%"),
    ],
    "degrees": [
        ("90^\\circ", "90"), ("90", "90^{\\circ}"), ("90^\\circ", "90°"), ("90^\\circ", "90 degrees"), ("45^\\circ", "45 \\text{ degrees}"), ("30", "30\\degree"),
    ],
    "matrices": [
        ("\\begin{pmatrix}1\\\\2\\end{pmatrix}", "\\begin{bmatrix}1\\\\2\\end{bmatrix}"),
        ("\\begin{pmatrix} 1 & 2 \\\\ 3 & 4 \\end{pmatrix}", "\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}"),
        ("\\begin{pmatrix} 1/2 \\\\ 3 \\end{pmatrix}", "\\begin{pmatrix} 0.5 \\\\ 3 \\end{pmatrix}"),
        ("\\left[\\begin{array}{cc}1&0\\\\0&1\\end{array}\\right]", "\\begin{bmatrix}1&0\\\\0&1\\end{bmatrix}"),
        ("\\begin{pmatrix} \\sqrt{4} & 0 \\end{pmatrix}", "\\begin{pmatrix} 2 & 0 \\end{pmatrix}"),
    ],
    "words and choices": [
        ("\\text{Evelyn}", "Evelyn"), ("Evelyn", "evelyn"), ("\\text{(C)}", "C"), ("(B)", "B"), ("\\text{even}", "even"), ("A", "\\textbf{(A)}"), ("\\text{Yes}", "yes"),
        ("\\text{red and blue}", "red and blue"), ("\\mathrm{D}", "D"), ("Monday", "\\text{Monday}."),
    ],
    "looks": [
        ("\\left(x+1\\right)", "(x+1)"), ("3\\cdot 4", "12"), ("3 \\times 4", "3*4"), ("\\displaystyle \\frac{1}{2}", "\\frac{1}{2}"), ("{42}", "42"), ("\\boxed{42}", "42"),
        ("$42$", "42"), ("\\(42\\)", "42"), ("x\\!+\\!1", "x+1"), ("1,\\!000", "1000"), ("\\mathbf{42}", "42"), ("42.", "42"), ("\\frac{1}{2}.", "0.5"), ("6 \\div 2", "3"), ("2**3", "8"), ("x \\leq 3", "x \\leqslant 3"),
    ],
    "bases": [("1010_2", "1010_2"), ("52_8", "52_{8}"), ("2A_{16}", "2A_{16}")],
}  # fmt: skip

DIFFERENT: dict[str, list[tuple[str, str]]] = {
    "numbers": [
        ("42", "43"), ("42", "-42"), ("42", "4.2"), ("1234", "1.234"), ("1,234", "1,235"), ("0.5", "5"), ("42", "24"), ("100", "1000"),
        ("42", "42.1"), ("1000000", "1 billion"), ("18", "18 thousand"), ("3.14", "\\pi"), ("0.33", "\\frac{1}{3}"), ("10000000", "10000001"), ("123456789012345678", "123456789012345679"),
        ("7", ""), ("7", "I do not know"), ("7", "7 or 8"), ("12", "1 2"),
    ],
    "fractions": [
        ("\\frac{1}{2}", "\\frac{2}{1}"), ("\\frac{1}{2}", "\\frac{1}{3}"), ("\\frac{1}{2}", "-\\frac{1}{2}"), ("1\\frac{1}{2}", "\\frac{1}{2}"), ("\\frac{11}{2}", "1\\frac{1}{2}"),
        ("\\frac{2}{3}", "0.67"), ("\\frac{a}{b}", "\\frac{b}{a}"), ("\\frac{3}{4}", "\\frac{3}{4}x"),
    ],
    "roots and powers": [
        ("2\\sqrt{2}", "\\sqrt{2}"), ("2\\sqrt{3}", "3\\sqrt{2}"), ("\\sqrt{2}", "1.4"), ("\\sqrt[3]{8}", "\\sqrt{8}"), ("x^2", "2x"), ("2^{10}", "20"), ("\\sqrt{x^2+1}", "x+1")
    ],
    "constants": [("\\pi", "3"), ("2\\pi", "\\pi^2"), ("e^2", "2e"), ("\\ln 2", "\\log_{10} 2"), ("2+3i", "2-3i"), ("16\\pi", "16"), ("\\infty", "-\\infty")],
    "algebra": [
        ("x^2-1", "x^2+1"), ("2x+3", "3x+2"), ("x=5", "x=-5"), ("x=5", "y=5"), ("x=5", "6"), ("(x+1)^2", "x^2+1"), ("y=2x+3", "y=2x-3"), ("x-y", "y-x"), ("x", "y"), ("x", "x+1"), ("x", "\\frac{x}{2}"), ("x^2+y^2=1", "x^2+y^2=2"), ("xyz", "zyx"), ("ab", "ba"),
    ],
    "intervals": [
        ("[0,1]", "(0,1)"), ("[0,1)", "(0,1]"), ("[0,1]", "[0,2]"), ("(-\\infty,2)", "(-\\infty,2]"), ("(0,\\infty)", "(-\\infty,0)"), ("x>3", "x\\ge 3"), ("x>3", "x<3"), ("(1,2)\\cup(3,4)", "(1,2)"), ("(0,1)", "\\{0,1\\}"),
    ],
    "sets, tuples and lists": [
        ("\\{1,2,3\\}", "\\{1,2\\}"), ("1,2", "1"), ("1", "1,2"), ("1,2", "1,3"), ("(1,2)", "(2,1)"), ("(1,2,3)", "(3,2,1)"), ("\\pm 2", "2"), ("\\emptyset", "0"), ("\\{1,2\\}", "\\{1,2,2,3\\}"), ("(1,2)", "[1,2]"), ("1,2,3", "123"), ("1,23", "123"), ("(1,2)", "1,2"),
    ],
    "units and money": [
        ("5 cm", "5 m"), ("5 \\text{ cm}", "5 \\text{ inches}"), ("$18", "18 cents"), ("18 dollars", "18 euros"), ("10 \\text{ cm}^2", "10 \\text{ cm}"), ("18", "$19"), ("60 mph", "60 km/h"), ("3:30", "3:31"), ("3:30", "330"), ("5 hours", "5 minutes"), ("5 apples", "5 oranges"), ("3", "3 zebras"),
    ],
    "percent": [("50\\%", "5\\%"), ("0.5", "50"), ("50", "0.5"), ("0.5", "5\\%"), ("50\\%", "0.05"), ("0.5", "0.5\\%")],
    "degrees": [("90^\\circ", "80^\\circ"), ("45^\\circ", "45^2"), ("180^\\circ", "\\pi^\\circ")],
    "matrices": [
        ("\\begin{pmatrix}1\\\\2\\end{pmatrix}", "\\begin{pmatrix}2\\\\1\\end{pmatrix}"), ("\\begin{pmatrix}1\\\\2\\end{pmatrix}", "\\begin{pmatrix}1&2\\end{pmatrix}"),
        ("\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}", "\\begin{pmatrix}1&3\\\\2&4\\end{pmatrix}"), ("\\begin{pmatrix}1&0\\\\0&1\\end{pmatrix}", "1"),
    ],
    "words and choices": [("\\text{Evelyn}", "Angela"), ("(A)", "(B)"), ("\\text{even}", "odd"), ("Yes", "No"), ("A", "AB"), ("\\text{Evelyn}", "7"), ("Monday", "Sunday"), ("\\text{dog}", "god"), ("dog", "god")],
    "bases": [("1010_2", "1011_2"), ("1010_2", "1010_3"), ("1010_2", "1010_{10}")],
}  # fmt: skip

MISSES: dict[str, list[tuple[str, str]]] = {
    "equal, called different": [
         ("5 \\text{ cm}", "50 mm"), ("\\$0.50", "50 cents"), ("1010_2", "10"), ("7", "seven"),
        ("\\frac{\\sqrt{5}-1}{2}", "\\phi - 1"), ("1 \\text{ hour}", "60 \\text{ minutes}"),
    ],
    "different, called equal": [
        ("100,200", "100200"),
    ],
}  # fmt: skip
"""What is known to be judged wrongly, kept as it is: a test fails when one of them is judged rightly."""
