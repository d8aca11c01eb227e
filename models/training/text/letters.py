"""Composed openings of letters to shareholders, training only.

The public filings at hand hold none, and the pipeline should still know one when it
sees it. Every sentence is written for this file; the generator combines them.
"""

from __future__ import annotations

import random

TITLES = [
    "Letter to Shareholders", "Letter to our Stockholders", "Dear Fellow Shareholders", "To Our Shareholders", "Chairman's Letter",
    "A Message from our Chief Executive Officer", "Chief Executive's Review", "Chairman's Statement", "Dear Shareholder",
    "Letter from the Chair and CEO", "Message from the President", "To Our Owners", "Letter from the Chairman of the Board",
]
GREETINGS = ["Dear fellow shareholders,", "Dear shareholders:", "To our shareholders,", "Dear stockholders and friends,", "Fellow owners,", "Dear investors,", ""]
OPENINGS = [
    "I am proud to look back on a year in which our people did what they had promised.",
    "The past twelve months tested us, and I want to begin by thanking everyone who works here.",
    "When I wrote to you a year ago, I set out three priorities, and this letter reports on each of them.",
    "It is my privilege to write to you for the first time as your chief executive.",
    "Last year was the strongest in our company's history, and it was not an accident.",
    "We ended the year a leaner, more focused and more resilient company than we began it.",
    "This was a year of change for our customers, for our industry and for us.",
    "On behalf of the Board, I am pleased to present our annual report.",
    "Your company made real progress in a market that gave us no help.",
]
MIDDLES = [
    "Together we served more customers than ever before and kept our promise to invest for the long term.",
    "We returned cash to you through dividends and buy-backs while keeping our balance sheet strong.",
    "Not everything went to plan, and I will be candid about where we fell short.",
    "Our strategy has not changed: earn the trust of customers, look after our people and spend your money as if it were our own.",
    "I visited forty of our sites this year and came home each time impressed by the teams I met.",
    "We believe the decisions we took will create value for shareholders for many years.",
    "Revenue and earnings both grew, and we gained share in most of the markets that matter to us.",
    "Our board welcomed two new members, whose experience is already making us better.",
    "We also took the hard decision to leave a business in which we saw no path to leadership.",
    "Innovation remains the heart of who we are, and this year's launches show it.",
]
CLOSINGS = [
    "Thank you for your confidence and your continued support.",
    "I look forward to seeing many of you at the annual meeting.",
    "I have never been more optimistic about what lies ahead.",
    "On behalf of all of us, thank you for investing with us. Sincerely,",
    "With gratitude for your trust,",
]
COUNT = 140


def letters(coin: random.Random) -> list[dict]:
    rows = []
    for _ in range(COUNT):
        parts = [coin.choice(GREETINGS), coin.choice(OPENINGS), *coin.sample(MIDDLES, coin.randrange(1, 4))]
        if coin.random() < 0.5:
            parts.append(coin.choice(CLOSINGS))
        text = " ".join(" ".join(parts).split()[:60])
        rows.append({"title": coin.choice(TITLES), "text": text, "label": "letter", "level": "part", "source": "composed", "company": "composed"})
    return rows
