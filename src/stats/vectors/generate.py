"""Writes the reference values beside this file, from libraries that share no code with src/stats.

    python3 -m venv venv && venv/bin/pip install numpy==2.4.6 scipy==1.17.1 statsmodels==0.15.0 mpmath==1.3.0
    venv/bin/python generate.py && npx biome format --write .

Special functions come from mpmath at 40 digits; intervals and tests from SciPy and statsmodels; Tango's interval,
which neither has, from the definition: the score statistic with the likelihood maximised numerically.
"""

import json
import pathlib

import mpmath as mp
import numpy as np
import scipy
import scipy.optimize as optimize
import scipy.stats as st
import statsmodels
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint
from statsmodels.regression.linear_model import OLS

HERE = pathlib.Path(__file__).parent
VERSIONS = {
    "numpy": np.__version__,
    "scipy": scipy.__version__,
    "statsmodels": statsmodels.__version__,
    "mpmath": mp.__version__,
}
mp.mp.dps = 40


def write(name, **tables):
    path = HERE / f"{name}.json"
    path.write_text(json.dumps({"versions": VERSIONS, **tables}, separators=(",", ":")) + "\n")


def beta_tails(a, b, x):
    """Whole shapes: the binomial sum term by term. Others: the hypergeometric series."""
    x = mp.mpf(x)
    if a != int(a) or b != int(b):
        lower = mp.betainc(a, b, 0, x, regularized=True)
        return lower, 1 - lower
    n = a + b - 1
    term = (1 - x) ** n
    upper, lower = mp.mpf(0), mp.mpf(0)
    for k in range(n + 1):
        if k < a:
            upper += term
        else:
            lower += term
        term = term * (n - k) / (k + 1) * x / (1 - x)
    return lower, upper


def special():
    gamma = [[x, float(mp.loggamma(x))] for x in (1e-8, 0.1, 0.5, 0.999, 1.001, 1.5, 1.999, 2.5, 7.25, 9.999, 10, 33.3, 1e3, 1e6, 1e12)]
    incomplete_gamma = [
        [a, x, float(mp.gammainc(a, 0, x, regularized=True)), float(mp.gammainc(a, x, mp.inf, regularized=True))]
        for a, x in ((0.5, 1e-6), (0.5, 0.3), (0.5, 9), (0.5, 60), (1, 2), (3.5, 0.1), (3.5, 4.4), (3.5, 40), (25, 20), (25, 26), (25, 70), (400, 350), (400, 480), (5000, 5000), (5000, 5300))
    ]
    beta = []
    for a, b, x in ((0.5, 0.5, 0.001), (0.5, 0.5, 0.7), (1, 3, 0.2), (2.5, 0.5, 0.99), (5, 5, 0.5), (0.5, 40, 0.001), (12, 80, 0.13), (80, 12, 0.95),
                    (300, 700, 0.3), (300, 700, 0.36), (4000, 6000, 0.39), (3, 5000, 0.0001), (3, 5000, 0.004), (20000, 20000, 0.502)):
        lower, upper = beta_tails(a, b, x)
        beta.append([a, b, x, float(lower), float(upper)])
    normal = [[z, float(mp.ncdf(z))] for z in (-37, -12, -6, -3.2, -1.96, -1, -0.3, -1e-9, 0, 0.4, 1, 2.5758, 5)]
    normal_quantile = [[p, float(mp.sqrt(2) * mp.erfinv(2 * mp.mpf(p) - 1))] for p in (1e-15, 1e-8, 0.0005, 0.02, 0.0243, 0.1, 0.4, 0.4999999, 0.5, 0.7, 0.95, 0.99, 0.9999)]

    def student(t, df):
        x = mp.mpf(df) / (mp.mpf(df) + mp.mpf(t) ** 2)
        tail = mp.betainc(mp.mpf(df) / 2, 0.5, 0, x, regularized=True) / 2
        return float(1 - tail if t > 0 else tail)

    student_cdf = [[t, df, student(t, df)] for df in (1, 2, 3.5, 5, 11, 30, 200, 1e5) for t in (-40, -8, -2.2, -0.5, 0, 0.01, 1.3, 3)]
    student_quantile = [[p, df, float(st.t.ppf(p, df))] for df in (1, 2, 5, 11, 19, 30, 200, 1e4) for p in (1e-8, 0.001, 0.025, 0.05, 0.3, 0.6, 0.975, 0.999)]
    chi_square = [[x, df, float(mp.gammainc(mp.mpf(df) / 2, mp.mpf(x) / 2, mp.inf, regularized=True))] for df in (1, 2, 5, 30, 300) for x in (0.01, 1, 3.84, 12, 55, 350)]
    chi_square_quantile = [[p, df, float(st.chi2.ppf(p, df))] for df in (1, 2, 5, 30, 300) for p in (0.001, 0.05, 0.5, 0.95, 0.9999)]
    beta_quantile = [[a, b, p, float(st.beta.ppf(p, a, b))] for a, b in ((0.5, 0.5), (1, 20), (17, 4), (3, 5000), (851, 150)) for p in (0.005, 0.025, 0.5, 0.975, 0.9995)]
    binomial = [[k, n, p, float(mp.binomial(n, k) * mp.mpf(p) ** k * (1 - mp.mpf(p)) ** (n - k)), float(sum(mp.binomial(n, j) * mp.mpf(p) ** j * (1 - mp.mpf(p)) ** (n - j) for j in range(k + 1)))]
                for k, n, p in ((0, 5, 0.3), (2, 5, 0.3), (5, 5, 0.3), (3, 300, 0.01), (12, 300, 0.01), (40, 100, 0.5), (500, 1000, 0.5), (420, 1000, 0.5), (990, 1000, 0.99))]
    log_beta = [[a, b, float(mp.log(mp.beta(a, b)))] for a, b in ((0.5, 0.5), (3.5, 12.5), (9.5, 1e4), (50.5, 50.5), (1e5, 2e5), (1e6, 12))]
    write("special", logGamma=gamma, gammaTails=incomplete_gamma, betaTails=beta, normalCdf=normal, normalQuantile=normal_quantile,
          studentCdf=student_cdf, studentQuantile=student_quantile, chiSquareTail=chi_square, chiSquareQuantile=chi_square_quantile,
          betaQuantile=beta_quantile, binomial=binomial, logBeta=log_beta)


def tango_limits(gained, lost, n, confidence):
    """Tango 1998 by its definition: q21 maximises the trinomial likelihood with p12 - p21 held at the difference."""
    z = st.norm.ppf(0.5 + confidence / 2)

    def score(difference):
        low, high = max(0.0, -difference), (1 - difference) / 2
        terms = lambda q: gained / (q + difference) + lost / q - 2 * (n - gained - lost) / (1 - difference - 2 * q)
        eps = 1e-15
        slope = lambda q: (gained / max(q + difference, 1e-300) if gained else 0) + (lost / max(q, 1e-300) if lost else 0) - (2 * (n - gained - lost) / max(1 - difference - 2 * q, 1e-300) if n > gained + lost else 0)
        a, b = low + eps * (1 + low), high - eps * (1 + high)
        if slope(a) <= 0:
            q = low
        elif slope(b) >= 0:
            q = high
        else:
            q = optimize.brentq(slope, a, b, xtol=1e-17, rtol=9e-16, maxiter=500)
        variance = n * (2 * q + difference * (1 - difference))
        return (gained - lost - n * difference) / np.sqrt(variance)

    estimate = (gained - lost) / n
    near = 1e-9
    lower = optimize.brentq(lambda d: score(d) - z, -1 + near, estimate - near, xtol=1e-15, rtol=9e-16)
    upper = optimize.brentq(lambda d: score(d) + z, estimate + near, 1 - near, xtol=1e-15, rtol=9e-16)
    return lower, upper


def proportions():
    counts = [(17, 20), (850, 1000), (0, 100), (5, 5), (1, 7), (3, 300), (50, 100), (99999, 100000), (0, 1)]
    wilson, exact = [], []
    for k, n in counts:
        for c in (0.9, 0.95, 0.999):
            wilson.append([k, n, c, *map(float, proportion_confint(k, n, 1 - c, method="wilson"))])
            lower, upper = proportion_confint(k, n, 1 - c, method="beta")
            exact.append([k, n, c, float(lower), float(upper)])
    pairs = [(3, 20, 9, 20), (0, 50, 0, 50), (5, 1000, 14, 900), (56, 70, 48, 80), (9, 10, 3, 10), (0, 10, 10, 10), (120, 100000, 160, 100000)]
    newcombe = []
    for ka, na, kb, nb in pairs:
        for c in (0.9, 0.95):
            lower, upper = confint_proportions_2indep(kb, nb, ka, na, method="newcomb", compare="diff", alpha=1 - c)
            newcombe.append([ka, na, kb, nb, c, float(lower), float(upper)])
    fisher = [[ka, na, kb, nb, float(st.fisher_exact([[ka, na - ka], [kb, nb - kb]]).pvalue)] for ka, na, kb, nb in pairs]
    tango = [[g, l, n, c, *tango_limits(g, l, n, c)] for g, l, n in ((12, 2, 50), (2, 12, 50), (0, 5, 40), (5, 0, 40), (3, 3, 10), (40, 25, 400), (0, 0, 30), (8, 1, 30), (30, 12, 60)) for c in (0.9, 0.95)]
    discordant = []
    for b, c in ((8, 2), (10, 2), (15, 5), (30, 15), (5, 0), (6, 0), (0, 0), (4, 4), (120, 90), (700, 600)):
        exact_p = float(mcnemar([[0, b], [c, 0]], exact=True).pvalue) if b + c else 1.0
        mid = exact_p if b == c else float(2 * st.binom.cdf(min(b, c), b + c, 0.5) - st.binom.pmf(min(b, c), b + c, 0.5))
        discordant.append([b, c, exact_p, mid])
    write("proportions", wilson=wilson, clopperPearson=exact, newcombe=newcombe, fisher=fisher, tango=tango, mcnemar=discordant)


def means():
    rng = np.random.default_rng(11)
    samples = [rng.normal(0.1, 1, n).round(6).tolist() for n in (2, 5, 12, 40)]
    t_interval = []
    for sample in samples:
        for c in (0.9, 0.95, 0.99):
            interval = st.ttest_1samp(sample, 0).confidence_interval(c)
            t_interval.append([sample, c, float(interval.low), float(interval.high)])
    sign_flip = []
    for n in (3, 6, 10):
        sample = rng.normal(0.6, 1, n).round(3).tolist()
        sign_flip.append([sample, float(st.permutation_test((sample,), np.sum, permutation_type="samples", n_resamples=np.inf, vectorized=False).pvalue)])
    clustered = []
    for clusters, size in ((4, 5), (12, 3)):
        groups = np.repeat(np.arange(clusters), size)
        values = (rng.normal(0, 1, clusters)[groups] + rng.normal(0, 0.5, clusters * size)).round(6)
        fit = OLS(values, np.ones(len(values))).fit(cov_type="cluster", cov_kwds={"groups": groups, "use_correction": True})
        # statsmodels multiplies by (n - 1)/(n - k) as well, which is 1 for a mean.
        clustered.append([values.tolist(), groups.tolist(), float(fit.params[0]), float(fit.bse[0])])
    bca = []
    for n in (12, 30):
        sample = rng.lognormal(0, 0.8, n).round(6)
        result = st.bootstrap((sample,), np.mean, n_resamples=499, method="BCa", random_state=rng, confidence_level=0.95)
        jackknife = [(sample.sum() - x) / (n - 1) for x in sample]
        bca.append([float(sample.mean()), [float(v) for v in result.bootstrap_distribution], [float(v) for v in jackknife],
                    float(result.confidence_interval.low), float(result.confidence_interval.high)])
    quantiles = [[sorted(samples[3]), p, float(np.quantile(samples[3], p))] for p in (0, 0.01, 0.25, 0.5, 0.9, 0.95, 0.99, 1)]
    p_values = [rng.uniform(0, 0.2, 8).round(5).tolist(), [0.01, 0.01, 0.04, 0.03, 0.9], [0.5], [0.001, 0.2, 0.04, 0.04, 1.0]]
    adjusted = [[p, multipletests(p, method="holm")[1].tolist(), multipletests(p, method="fdr_bh")[1].tolist()] for p in p_values]
    sample_ratio = []
    for observed, shares in (([5100, 4900], [0.5, 0.5]), ([970, 30], [0.95, 0.05]), ([10, 20, 33], [1, 2, 3])):
        expected = np.array(shares) / np.sum(shares) * np.sum(observed)
        result = st.chisquare(observed, expected)
        sample_ratio.append([observed, shares, float(result.statistic), float(result.pvalue)])
    pair_e_values = [[b, c, float(mp.mpf(2) ** (b + c) * mp.beta(b + 0.5, c + 0.5) / mp.beta(0.5, 0.5))] for b, c in ((0, 0), (5, 0), (6, 0), (10, 2), (30, 10), (30, 15), (50, 50), (2000, 1800))]
    count_e_values = [[s, m, r, float(mp.beta(s + 4 * mp.mpf(r), m - s + 4 * (1 - mp.mpf(r))) / mp.beta(4 * mp.mpf(r), 4 * (1 - mp.mpf(r))) / mp.mpf(r) ** s / (1 - mp.mpf(r)) ** (m - s))]
                      for s, m, r in ((9, 10, 0.5), (30, 40, 0.5), (8, 30, 0.05), (3, 20, 0.01), (300, 500, 0.5))]
    trimmed = []
    for sample in (samples[2], samples[3], rng.standard_t(2, 60).round(6).tolist()):
        for c in (0.9, 0.95):
            low, high = st.mstats.trimmed_mean_ci(np.array(sample), limits=(0.2, 0.2), alpha=1 - c)
            trimmed.append([sample, c, float(low), float(high)])
    write("means", trimmedInterval=trimmed, tInterval=t_interval, signFlip=sign_flip, clustered=clustered, bca=bca, quantile=quantiles, adjusted=adjusted,
          sampleRatio=sample_ratio, pairEValue=pair_e_values, countEValue=count_e_values)


def law(windows, mode, delta, margin, alpha):
    """The canary law once more, in NumPy and from the list of windows instead of running sums."""
    na, ea, nb, eb = (np.array(column, dtype=float) for column in zip(*windows))
    keep = (na > 0) & (nb > 0)
    na, ea, nb, eb = na[keep], ea[keep], nb[keep], eb[keep]
    k = len(na)
    w = na * nb / (na + nb)
    d = eb / nb - ea / na
    mean = np.average(d, weights=w)
    robust = k / (k - 1) * np.sum(w**2 * (d - mean) ** 2) / w.sum() ** 2
    pa = (np.sum(w * ea / na) + 0.5) / (w.sum() + 1)
    pooled = (np.sum(w * (ea + eb) / (na + nb)) + 0.5) / (w.sum() + 1)
    pb = min(1, pa + delta) if mode == "promote" else max(pa, pooled)
    binomial = (pb * (1 - pb) * np.sum(w**2 / nb) + pa * (1 - pa) * np.sum(w**2 / na)) / w.sum() ** 2
    v = max(robust, binomial)
    information = 1 / v
    r2 = (-2 * np.log(2 * alpha) + np.log(1 - 2 * np.log(2 * alpha))) / (3 / margin) ** 2
    h = np.sqrt(2 * (information * r2 + 1) / (information**2 * r2) * np.log(np.sqrt(information * r2 + 1) / (2 * alpha)))
    events = nb.sum() * pb if mode == "promote" else eb.sum()
    ready = k >= 10 and events >= 8
    decided = ready and (mean + h < delta if mode == "promote" else mean - h > delta)
    return float(mean), float(h), bool(ready), bool(decided)


def canary():
    rng = np.random.default_rng(5)
    cases = []
    # The same counts in every window: no spread between them, so the binomial variance decides.
    steady = [[[50, 1, 50, 3]] * 20, [[950, 9, 50, 2]] * 30]
    for windows in steady:
        for mode, delta, alpha in (("abort", 0, 0.01), ("promote", 0.01, 0.05)):
            cases.append([windows, mode, delta, 0.01, alpha, *law(windows, mode, delta, 0.01, alpha)])
    for count, rate, share, pa, pb, burst in ((12, 100, 0.5, 0.01, 0.01, 0), (40, 100, 0.5, 0.01, 0.05, 0), (60, 100, 0.05, 0.02, 0.02, 0), (60, 1000, 0.01, 0.01, 0.06, 0),
                                             (200, 100, 0.5, 0.01, 0.01, 0.05), (9, 100, 0.5, 0.01, 0.2, 0), (80, 60, 0.02, 0.03, 0.03, 0), (300, 200, 0.5, 0.01, 0.006, 0), (15, 40, 0.5, 0, 0, 0)):
        windows = []
        for _ in range(count):
            total = int(rng.poisson(rate))
            nb = int(rng.binomial(total, share))
            ra, rb = (0.4 if rng.random() < burst else pa), (0.4 if rng.random() < burst else pb)
            windows.append([total - nb, int(rng.binomial(total - nb, ra)), nb, int(rng.binomial(nb, rb))])
        for mode, delta, alpha in (("abort", 0, 0.01), ("promote", 0.01, 0.05), ("abort", 0.005, 0.002)):
            cases.append([windows, mode, delta, 0.01, alpha, *law(windows, mode, delta, 0.01, alpha)])
    write("canary", law=cases)


if __name__ == "__main__":
    special()
    proportions()
    means()
    canary()
