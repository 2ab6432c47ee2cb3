"""The design's figures: 1000 canaries of an hour each, from a simulation of its own.

Cells are those of its tables. `> 1h` is beyond the simulated hour, a share in parentheses that of
canaries found at all, `early` the share rolled back before the fault.
"""

from __future__ import annotations

from typing import Final

HEALTHY: Final = """\
scenario|e-gate 5s|e-gate 15s|e-gate 60s|e-gate 60s K=1|e-gate 5s K=4|e-gate 5s floor .5%|bet-gate 5s|Argo FL=1|Argo FL=3|thr 3% FL=1|Flagger 5|MW 1min|MW 5min
100rps/5% healthy 0.5%|0.0%|0.0%|0.0%|0.0%|0.0%|0.0%|0.0%|82.1%|47.8%|0.0%|89.3%|1.5%|1.0%
100rps/5% shared incident 5% x 5min|0.0%|0.0%|0.0%|0.0%|0.0%|0.0%|0.0%|100.0%|100.0%|100.0%|100.0%|1.0%|1.0%
10rps/10% healthy 0.5%|0.0%|0.0%|0.0%|0.0%|0.0%|0.0%|0.0%|99.0%|92.4%|3.4%|100.0%|0.0%|0.0%
10rps/10% shared incident 5% x 5min|0.0%|0.0%|0.0%|0.0%|0.0%|0.0%|0.0%|100.0%|100.0%|98.5%|100.0%|0.0%|0.0%
1rps/5% healthy 0.5%|0.0%|0.0%|0.0%|0.0%|0.0%|0.0%|0.0%|59.1%|21.7%|59.1%|35.2%|0.0%|0.0%
1rps/5% shared incident 5% x 5min|0.0%|0.0%|0.0%|0.0%|0.0%|0.0%|0.0%|79.3%|42.4%|79.3%|47.1%|0.0%|0.0%
100rps/5% both at 0.95% (just under SLO)|0.0%|0.0%|0.0%|0.0%|0.0%|0.0%|0.0%|100.0%|100.0%|0.0%|100.0%|2.0%|1.0%
100rps/5% both at 2% all hour (over SLO)|0.0%|0.0%|0.0%|0.0%|0.0%|0.0%|0.0%|100.0%|100.0%|72.2%|100.0%|1.5%|1.5%
100rps/5% shared 5s bursts (50% errors)|0.0%|0.0%|0.0%|0.0%|0.0%|0.0%|0.0%|100.0%|99.4%|60.9%|84.1%|0.0%|0.0%
100rps/5% independent per-version bursts|0.2%|0.2%|5.4%|41.3%|0.0%|2.0%|0.0%|99.9%|99.4%|58.1%|86.4%|0.0%|0.0%
100rps/5% one canary-only 5 s blip of 100% errors|0.0%|0.0%|0.0%|1.4%|0.0%|0.1%|0.0%|99.9%|80.1%|96.6%|95.5%|2.0%|0.0%
100rps/5% one canary-only 15 s blip of 100% errors|18.5%|0.6%|0.4%|18.2%|0.0%|59.8%|0.0%|100.0%|82.7%|98.8%|95.4%|3.0%|2.0%
"""
BROKEN: Final = """\
scenario|e-gate 5s|e-gate 15s|e-gate 60s|e-gate 60s K=1|e-gate 5s K=4|e-gate 5s floor .5%|bet-gate 5s|Argo FL=1|Argo FL=3|thr 3% FL=1|Flagger 5|MW 1min|MW 5min
100rps/5% 0.5%->2% from t=0|310 / 740|330 / 750|360 / 840|360 / 780|325 / 755|195 / 430|>1h / >1h (34%)|120 / 180|240 / 300|2040 / >1h (75%)|300 / 420|300 / 660|300 / 900
100rps/5% 0.5%->5% from t=0|40 / 80|45 / 90|120 / 180|60 / 120|50 / 95|35 / 75|965 / 1090|120 / 120|240 / 240|120 / 180|300 / 300|300 / 300|300 / 300
100rps/5% 0.5%->20% from t=0|10 / 15|30 / 30|120 / 120|60 / 60|20 / 25|10 / 15|215 / 240|120 / 120|240 / 240|120 / 120|300 / 300|300 / 300|300 / 300
100rps/5% 0.5%->100% from t=0|10 / 10|30 / 30|120 / 120|60 / 60|20 / 20|10 / 10|55 / 55|120 / 120|240 / 240|120 / 120|300 / 300|300 / 300|300 / 300
10rps/10% 0.5%->2% from t=0|1520 / 3385 (96%)|1530 / 3435 (96%)|1620 / 3540 (96%)|1560 / 3540 (96%)|1540 / 3425 (96%)|1050 / 2535|>1h / >1h (20%)|120 / 360|300 / 600|480 / 1620|420 / 600|1140 / >1h (94%)|1500 / >1h (93%)
10rps/10% 0.5%->5% from t=0|185 / 400|195 / 405|240 / 480|240 / 420|200 / 430|160 / 385|1065 / 1400|120 / 180|240 / 300|120 / 240|300 / 360|300 / 660|300 / 900
10rps/10% 0.5%->20% from t=0|25 / 55|45 / 60|120 / 120|60 / 60|40 / 65|25 / 55|235 / 295|120 / 120|240 / 240|120 / 120|300 / 300|300 / 300|300 / 300
10rps/10% 0.5%->100% from t=0|10 / 10|30 / 30|120 / 120|60 / 60|20 / 20|10 / 10|55 / 60|120 / 120|240 / 240|120 / 120|300 / 300|300 / 300|300 / 300
1rps/5% 0.5%->2% from t=0|>1h / >1h (3%)|>1h / >1h (3%)|>1h / >1h (4%)|>1h / >1h (4%)|>1h / >1h (2%)|>1h / >1h (6%)|>1h / >1h (0%)|720 / 3180 (97%)|1800 / >1h (87%)|720 / 3180 (97%)|2520 / >1h (79%)|>1h / >1h (0%)|>1h / >1h (0%)
1rps/5% 0.5%->5% from t=0|3200 / >1h (58%)|3180 / >1h (58%)|3060 / >1h (61%)|3000 / >1h (62%)|3525 / >1h (52%)|2710 / >1h (68%)|>1h / >1h (1%)|360 / 1200|840 / 2040|360 / 1200|1500 / 2820 (99%)|>1h / >1h (0%)|>1h / >1h (0%)
1rps/5% 0.5%->20% from t=0|410 / 1015|405 / 1005|420 / 1020|420 / 960|525 / 1110|390 / 985|1565 / 2410|180 / 420|360 / 660|180 / 420|540 / 960|>1h / >1h (10%)|>1h / >1h (6%)
1rps/5% 0.5%->100% from t=0|70 / 135|75 / 135|120 / 180|60 / 120|110 / 180|70 / 135|320 / 420|120 / 180|240 / 300|120 / 180|300 / 300|300 / 360|300 / 600
100rps/5% healthy 20min then 5%|65 / 115|90 / 135|180 / 240|120 / 180|90 / 140|60 / 105|1040 / 1185|120 / 120 [early 35%]|180 / 240 [early 6%]|180 / 180|180 / 300 [early 9%]|1860 / 2100 [early 2%]|2100 / 2100 [early 1%]
100rps/5% healthy 20min then 100%|20 / 20|60 / 60|180 / 180|120 / 120|35 / 35|20 / 20|60 / 60|120 / 120 [early 37%]|180 / 240 [early 5%]|120 / 120|180 / 300 [early 10%]|2100 / 2100|2100 / 2100
"""
BOUNDARIES: Final = """\
null boundary case|false rollback K=2|K=1|K=1, no restart
ratio boundary: stable 2%, canary odds x1.5|0.23%|0.33%|0.23%
ratio boundary: stable 10%, canary odds x1.5|0.00%|0.00%|0.10%
A/A, ratio=1, stable=canary=5%|0.03%|0.07%|0.17%
SLO boundary: canary 1%, stable 0.1%|0.23%|0.23%|0.23%
SLO boundary: canary 1%, stable 0|0.10%|0.27%|0.17%
"""
PROMOTION: Final = """\
scenario (100 rps, 5 % -> 5 canary rps; tol 1 %, tol_ratio 2, beta 0.01)|promoted within 1 h|median / p95 s|rolled back
canary 0.0%, stable 0.0%|100.0%|130 / 140|0.0%
canary 0.1%, stable 0.1%|100.0%|145 / 280|0.0%
canary 0.3%, stable 0.3%|100.0%|310 / 645|0.0%
canary 0.5%, stable 0.5%|100.0%|620 / 1510|0.0%
canary 0.8%, stable 0.8%|100.0%|520 / 1240|0.0%
canary 2.0%, stable 2.0%|100.0%|205 / 475|0.0%
canary 1.0%, stable 0.5%|0.3%|inf / inf|0.3%
canary 1.2%, stable 0.5%|0.0%|inf / inf|6.0%
canary 2.0%, stable 0.5%|0.0%|inf / inf|100.0%
canary 5.0%, stable 0.5%|0.0%|inf / inf|100.0%
"""
CLUSTERS: Final = """\
case (100 rps, 5 %)|e-gate phi=1|phi=5|phi=5 K=4|bet-gate
null: clusters of 5, both 2%|24.6%|0.0%|0.0%|0.0%
null: clusters of 5, both 0.5%|5.6%|0.0%|0.0%|0.0%
null: independent bursts, both mean 2.2% (4% of ticks at 50%)|48.7%|74.6%|25.8%|0.0%
bad: clusters of 5, 0.5%->5%|60 / 190 s|160 / 395 s|185 / 420 s|1040 / 1350 s
bad: clusters of 5, 0.5%->20%|15 / 40 s|25 / 55 s|40 / 65 s|230 / 290 s
"""
MISALIGNED: Final = """\
shared 5-min incident, scrape offset canary vs stable|5s K=2|5s K=4|15s K=2|15s K=3|30s K=2
5% errors, canary +0 s earlier|0.0%|0.0%|0.0%|0.0%|0.0%
5% errors, canary +5 s earlier|0.0%|0.0%|0.0%|0.0%|0.0%
5% errors, canary +15 s earlier|0.2%|0.0%|0.0%|0.0%|0.0%
5% errors, canary -5 s earlier|0.0%|0.0%|0.0%|0.0%|0.0%
5% errors, canary -15 s earlier|0.0%|0.0%|0.0%|0.0%|0.0%
100% errors, canary +0 s earlier|0.0%|0.0%|0.0%|0.0%|0.0%
100% errors, canary +5 s earlier|0.0%|0.0%|0.0%|0.0%|0.0%
100% errors, canary +15 s earlier|47.0%|0.0%|0.0%|0.0%|0.0%
100% errors, canary -5 s earlier|0.0%|0.0%|0.0%|0.0%|0.0%
100% errors, canary -15 s earlier|100.0%|0.2%|0.0%|0.0%|0.0%
"""
REQUESTS: Final = """\
alpha|split|1%|2%|5%|20%|100%
0.01|1%|3152 (7197)|497 (1193)|93 (224)|14 (34)|2 (4)
0.01|5%|3172 (7413)|461 (1228)|96 (240)|17 (40)|3 (5)
0.01|10%|3132 (7367)|504 (1193)|109 (259)|20 (45)|4 (6)
0.01|50%|4289 (8729)|1049 (2142)|304 (602)|64 (113)|10 (14)
0.001|1%|4484 (9689)|659 (1476)|127 (282)|19 (43)|3 (5)
0.001|5%|4271 (9850)|651 (1457)|133 (295)|23 (48)|4 (6)
0.001|10%|4340 (9948)|683 (1450)|157 (319)|29 (58)|5 (7)
0.001|50%|5770 (10871)|1493 (2902)|430 (792)|92 (147)|12 (19)
"""


def table(text: str) -> dict[str, dict[str, str]]:
    """Cells by row and column."""
    (_, *columns), *rows = (line.split("|") for line in text.splitlines())
    return {name: dict(zip(columns, cells, strict=True)) for name, *cells in rows}
